/** The gateway role: control API, streams, provider notifications and the login page on one port. Any number of them share one Redis. */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DEFAULT_CALLBACK_HOSTS } from '@qrcast/core/callback-address';
import type { ProxyRoute } from '@qrcast/core/http-proxy';
import { notificationUrl } from '@qrcast/core/notification-address';
import { pathPrefixOf } from '@qrcast/core/public-url';
import type { Policy } from '@qrcast/core/schedule';
import { type AddressLimits, DEFAULT_ADDRESS_LIMITS, DEFAULT_TENANT_LIMITS, type TenantLimits } from '@qrcast/core/tenant-limits';
import type { WireSession } from '@qrcast/core/wire';
import { openProvider, UNKNOWN_CODING } from '@qrcast/provider/provider';
import type { AuditLimits } from '@qrcast/runtime/audit/audit-log';
import { createCallbackLog } from '@qrcast/runtime/callbacks/callback-log';
import { createReceivers } from '@qrcast/runtime/callbacks/callback-receivers';
import { createRelayLanes } from '@qrcast/runtime/callbacks/relay-lanes';
import { createConnectedInstances } from '@qrcast/runtime/connected/connected-instances';
import { proveKeyring } from '@qrcast/runtime/keyring/key-proofs';
import { createKeyring, type RingKey } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import { type Node, openNode } from '@qrcast/runtime/node';
import { createOutbox } from '@qrcast/runtime/outbox/outbox';
import { createInstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import { providerRoute } from '@qrcast/runtime/process/proxy-log';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { addCallbackRoutes } from './api/callback-routes.ts';
import { addCodeRoutes } from './api/code-routes.ts';
import { createFramers } from './api/framers.ts';
import { addOpsRoutes } from './api/health-routes.ts';
import { addPageRoutes } from './api/page-routes.ts';
import { addSessionRoutes } from './api/session-routes.ts';
import { addStrayRequests } from './api/stray-requests.ts';
import { addTenantRoutes } from './api/tenant-routes.ts';
import { addAuditRoutes } from './audit/audit-routes.ts';
import { createAudited } from './audit/audited.ts';
import { addAddressRates, createAddressRates } from './auth/address-rates.ts';
import { createAuth } from './auth/auth.ts';
import { addCallers } from './auth/caller.ts';
import { openRevocations } from './auth/ticket-revocations.ts';
import { createTickets } from './auth/tickets.ts';
import { addContractRoutes } from './docs/docs-routes.ts';
import { createAddressOf } from './http/client-address.ts';
import { createHttpServer } from './http/http-server.ts';
import { listenEverywhere } from './http/listen-everywhere.ts';
import { createNotificationMisses } from './http/notification-misses.ts';
import { createPrefixRemover, removePrefix, type WithoutPrefix } from './http/path-prefix.ts';
import { cutUnreadAnswers } from './http/read-timeout.ts';
import { namesSecret } from './http/request-rules.ts';
import { addUpgradeHeaders, answerHeaders } from './http/security-headers.ts';
import { trackConnections } from './http/tcp-connections.ts';
import { createSessionRates } from './limits/session-rates.ts';
import { createLimitOf } from './limits/tenant-limits.ts';
import { createTenantRates } from './limits/tenant-rates.ts';
import { createTokenBuckets } from './limits/token-buckets.ts';
import { openViewerQuota } from './limits/viewer-quota.ts';
import { createLastNotifications } from './notifications/last-notifications.ts';
import { createNotificationRelay } from './notifications/notification-relay.ts';
import { addWebhookRoutes } from './notifications/notification-routes.ts';
import { createSettingsChanger } from './notifications/settings-changer.ts';
import { createSettingsReader } from './notifications/settings-reader.ts';
import { createWebhookSetup } from './notifications/webhook-setup.ts';
import { addWebhookSetupRoutes } from './notifications/webhook-setup-routes.ts';
import { createInstanceCredentials } from './sessions/instance-credentials.ts';
import { createPasswordStep } from './sessions/password-step.ts';
import { createSessionIndex } from './sessions/session-index.ts';
import { createSessionLookup } from './sessions/session-lookup.ts';
import { createLiveSessions, noticeEnds } from './sessions/session-quota.ts';
import { createSessionService, showSession } from './sessions/session-service.ts';
import { createStartOver } from './sessions/start-over.ts';
import { createViewerCounts } from './sessions/visible-viewers.ts';
import { createWatching } from './sessions/watching.ts';
import { createConnectionSlots, MAX_ANONYMOUS } from './streams/connection-slots.ts';
import { openHub } from './streams/hub.ts';
import { isSocketIoPath, openSocketIo } from './streams/transports/socketio.ts';
import { addEventsRoute } from './streams/transports/sse.ts';
import { isWebSocketPath, openWebSocketStream } from './streams/transports/websocket.ts';
import { CLOSE_WITHIN_MS } from './streams/viewer-connection.ts';
import { createWatchPermits } from './streams/watch-permits.ts';
import { openTenantStanding } from './tenants/tenant-standing.ts';
import { createTenants, type Tenants } from './tenants/tenants.ts';

export interface GatewayOptions {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly secretKeys: readonly RingKey[];
  readonly policy: Policy;
  readonly auditLimits?: AuditLimits | undefined;
  /** How long a session is polled after its last viewer left, ms. */
  readonly unwatchedGraceMs: number;
  readonly upstreamHosts: readonly string[];
  /** Where callbacks may be sent; public hosts if left out. */
  readonly callbackHosts?: readonly string[] | undefined;
  /** How the provider is asked; directly if left out. */
  readonly proxyRoute?: ProxyRoute | null | undefined;
  readonly adminKey: string | undefined;
  readonly maxConnections: number;
  /** Connections beside those, which have shown no ticket yet; `MAX_ANONYMOUS` if left out. */
  readonly maxAnonymous?: number | undefined;
  /** Of tenants without limits of their own; `DEFAULT_TENANT_LIMITS` if left out. */
  readonly tenantLimits?: TenantLimits | undefined;
  /** Of those who have not said who they are; `DEFAULT_ADDRESS_LIMITS` if left out. */
  readonly addressLimits?: AddressLimits | undefined;
  /** Answers of subscriptions that one connection may leave unread; `MAX_UNREAD_ANSWERS` if left out. */
  readonly maxUnreadAnswers?: number | undefined;
  /** Addresses and ranges whose `X-Forwarded-For` is believed; none if left out. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** 0 takes a free port. */
  readonly port: number;
  /** All addresses of the machine, IPv6 and IPv4, if left out. */
  readonly host?: string | undefined;
  /** Where clients reach us, as `parsePublicUrl` makes it; unset: this machine's loopback address and the port. */
  readonly publicUrl: string | undefined;
  /** How long browsers are told to use https alone, seconds; a year if left out. Not told below a path, or where `publicUrl` is no https. */
  readonly hstsSeconds?: number | undefined;
  /** How long settings of an instance that were set are read back, ms; `READ_BACK_MS` if left out. */
  readonly settingsReadBackMs?: number | undefined;
  /** The built login page. */
  readonly pageFolder: string;
  readonly log: Logger;
}

export interface Gateway {
  readonly port: number;
  readonly publicUrl: string;
  readonly tenants: Tenants;
  /** Not ready any more, streams told to go elsewhere over `drainMs`, then all closed. Idempotent. */
  close(drainMs: number): Promise<void>;
}

/** For HTTP calls, beside the streams: those between two requests give way to new ones. */
const MAX_PLAIN_CONNECTIONS = 2_000;
/** A watch survives two lost renewals. */
const RENEWALS_PER_GRACE = 3;

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const releasers = createReleasers();
  try {
    const node = await openNode(options);
    releasers.push('node', () => node.close());
    return await serve(options, node, releasers);
  } catch (error) {
    await releasers.release();
    throw error;
  }
}

async function serve(options: GatewayOptions, node: Node, releasers: Releasers): Promise<Gateway> {
  const { log, namespace, unwatchedGraceMs, upstreamHosts, maxConnections, maxAnonymous = MAX_ANONYMOUS } = options;
  const { redis, clock, bus } = node;
  let address = options.publicUrl ?? null;
  const publicUrl = (): string => address ?? '';
  const slots = createConnectionSlots(maxConnections, maxAnonymous);
  const addressOf = createAddressOf(options.trustedProxies ?? []);
  const limits = options.addressLimits ?? DEFAULT_ADDRESS_LIMITS;
  const addressRates = createAddressRates({ addressOf, limits, log, now: () => performance.now() });

  const keyring = createKeyring(options.secretKeys);
  await proveKeyring(redis, namespace, keyring);
  const provider = openProvider({
    ...providerRoute(options.proxyRoute, log),
    onUnknownCoding: (coding) => log.warn({ coding }, UNKNOWN_CODING),
  });
  releasers.push('provider', () => provider.close());
  const limitOf = createLimitOf(options.tenantLimits ?? DEFAULT_TENANT_LIMITS);
  const liveSessions = createLiveSessions({ ...node, namespace, limitOf });
  const sessions = noticeEnds(node.sessions, liveSessions.leave);
  const shared = { ...node, sessions, namespace, keyring, log, upstreamHosts, policy: options.policy };
  const audited = createAudited({ audit: node.audit, clock, log });
  const tenants = audited.tenants(createTenants(shared));
  const tickets = createTickets(shared);
  const rates = createTenantRates({ ...shared, limitOf });
  const sessionRates = createSessionRates({ limitOf, now: () => performance.now() });
  const standing = openTenantStanding({ ...shared, tenants });
  releasers.push('tenant standing', () => standing.close());
  const credentials = createAuth({ tenants, standing, rates, sessionRates, tickets, adminKey: options.adminKey, publicUrl });
  const auth = audited.auth(credentials);
  const index = createSessionIndex(shared);
  const watching = createWatching({ ...shared, graceMs: unwatchedGraceMs });
  const lease = { gatewayId: randomUUID(), lastsMs: unwatchedGraceMs };
  const viewerCounts = createViewerCounts({ ...shared, ...lease });
  const viewerQuota = openViewerQuota({ ...shared, ...lease, limitOf });
  releasers.push('viewer quota', () => viewerQuota.close());
  const service = audited.service(
    createSessionService({ ...shared, standing, liveSessions, limitOf, index, watching, viewerCounts, tickets }),
  );
  const instanceCredentials = createInstanceCredentials(shared);
  const passwordStep = audited.passwordStep(createPasswordStep({ ...shared, watching, provider, instanceCredentials }));
  const show = (sessionId: string): Promise<WireSession> => showSession({ sessions, service }, sessionId);
  const connected = createConnectedInstances(shared);
  const holds = createInstanceHolds({ ...shared, now: clock.now });
  const startOver = audited.startOver(createStartOver({ ...shared, watching, provider, connected, holds, instanceCredentials, show }));
  const revocations = audited.revocations(openRevocations({ bus, redis, namespace, tickets, now: clock.now }));
  releasers.push('revocations', () => revocations.close());
  const permits = createWatchPermits({ revocations, standing, viewerQuota });
  const renewEveryMs = Math.floor(unwatchedGraceMs / RENEWALS_PER_GRACE);
  const hub = audited.hub(openHub({ sessions, watching, viewerCounts, clock, log, renewEveryMs }));

  const headers = answerHeaders(options.publicUrl, options.hstsSeconds);
  const prefix = options.publicUrl === undefined ? null : pathPrefixOf(options.publicUrl);
  const withoutPrefix = createPrefixRemover(prefix ?? '');
  const refuseMiss = createNotificationMisses({ publicUrl: options.publicUrl ?? null, log, now: () => performance.now() });
  const app = await createHttpServer(log, slots.isDraining, createIsUpgrade(withoutPrefix), headers, refuseMiss);
  addCallers(app, addressOf);
  addAddressRates(app, addressRates, credentials);
  const connections = trackConnections(app.server, maxConnections + maxAnonymous + MAX_PLAIN_CONNECTIONS);
  releasers.push('http', () => app.close());
  addOpsRoutes(app, async () => {
    if (slots.isDraining()) throw new Error('draining');
    await node.ready();
  });
  addContractRoutes(app, { publicUrl });
  const sendLoginPage = addPageRoutes(app, options.pageFolder, createFramers({ sessions, tenants }), prefix);
  addStrayRequests(app, { sendLoginPage, prefix: prefix ?? '' });
  const sessionLookup = createSessionLookup({ auth, sessions, service });
  const theirSession = audited.theirSession(sessionLookup);
  const { maxUnreadAnswers } = options;
  const viewers = { auth, service, theirSession, hub, passwordStep, startOver, permits, maxUnreadAnswers, slots, addressRates, log };
  const unheldAnswers = createTokenBuckets(() => performance.now());
  addSessionRoutes(app, { ...viewers, unheldAnswers, sessions, watching, revocations, publicUrl });
  addEventsRoute(app, viewers);
  addCodeRoutes(app, { theirSession, sessions, watching, clock });
  addTenantRoutes(app, { auth, tenants, service, connected, publicUrl, callbackHosts: options.callbackHosts ?? DEFAULT_CALLBACK_HOSTS });
  addAuditRoutes(app, { auth, audit: node.audit });
  const outbox = createOutbox(shared);
  addCallbackRoutes(app, { auth, callbackLog: createCallbackLog(shared), outbox, clock });
  const relay = createNotificationRelay({ receivers: createReceivers(shared), relayLanes: createRelayLanes(shared), outbox, clock });
  const lastNotifications = createLastNotifications(shared);
  addWebhookRoutes(app, { tenants, rates, index, sessions, watching, relay, connected, lastNotifications, clock, log });
  const reader = createSettingsReader({ ...shared, provider, holds });
  const changer = createSettingsChanger({ ...shared, provider, reader, holds, readBackMs: options.settingsReadBackMs });
  // The address with the port is this machine's alone: no provider could reach it.
  const webhookUrlFor = (id: string) => (options.publicUrl === undefined ? null : notificationUrl(options.publicUrl, id));
  const webhookSetup = audited.webhookSetup(
    createWebhookSetup({
      ...shared,
      instanceCredentials,
      tenants,
      index,
      reader,
      changer,
      holds,
      lastNotifications,
      webhookUrlOf: webhookUrlFor,
    }),
  );
  addWebhookSetupRoutes(app, { theirSession: sessionLookup, webhookSetup });
  await app.ready();
  const socketIo = openSocketIo(app.server, { ...viewers, answerVisitor: app.routing });
  releasers.push('socket.io', () => socketIo.close());
  const webSocket = openWebSocketStream(app.server, viewers);
  releasers.push('websocket', () => webSocket.close());
  addUpgradeHeaders(app.server, headers);
  removePrefix(app.server, withoutPrefix);
  cutUnreadAnswers(app.server);
  releasers.push('connections', () => connections.cutAfter(CLOSE_WITHIN_MS));
  releasers.push('hub', () => hub.close()); // first to go: it answers the requests that are held

  const listenOn = (host: string): Promise<string> => app.listen({ port: options.port, host });
  await (options.host === undefined ? listenEverywhere(listenOn, log) : listenOn(options.host)).catch((error: unknown) => {
    throw new Error(`port ${options.port} cannot be listened on; set PORT to a free one, or to 0`, { cause: error });
  });
  const { port } = app.server.address() as AddressInfo; // it listens on TCP
  address ??= `http://127.0.0.1:${port}`;
  log.info({ port, publicUrl: address }, 'gateway listens');

  let closing: Promise<void> | null = null;
  return {
    port,
    publicUrl: address,
    tenants,
    close(drainMs) {
      closing ??= slots.drain(drainMs).finally(() => releasers.release());
      return closing;
    },
  };
}

function createIsUpgrade(withoutPrefix: WithoutPrefix): (request: IncomingMessage) => boolean {
  return ({ headers, url: given = '' }) => {
    const url = withoutPrefix(given);
    return headers.upgrade?.toLowerCase() === 'websocket' && (isWebSocketPath(url) || isSocketIoPath(url)) && !namesSecret(url);
  };
}
