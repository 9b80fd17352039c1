/** The gateway role: control API, streams, provider notifications and the login page on one port. Any number of them share one Redis. */

import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Policy } from '@qrcast/core/schedule';
import { openProvider } from '@qrcast/provider/provider';
import { proveKeyring } from '@qrcast/runtime/credentials-vault';
import { createKeyring, type RingKey } from '@qrcast/runtime/keyring';
import type { Logger } from '@qrcast/runtime/log';
import { type Node, openNode } from '@qrcast/runtime/node';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { createAuth } from './auth.ts';
import { createHttpServer } from './http-server.ts';
import { openHub } from './hub.ts';
import { addOpsRoutes } from './ops-routes.ts';
import { addPageRoutes } from './page-routes.ts';
import { createPasswordStep } from './password-step.ts';
import { openRevocations } from './revocations.ts';
import { createSessionIndex } from './session-index.ts';
import { addSessionRoutes } from './session-routes.ts';
import { createSessionService } from './session-service.ts';
import { openSocketIo } from './stream-socketio.ts';
import { addTenantRoutes } from './tenant-routes.ts';
import { createTenants, type Tenants } from './tenants.ts';
import { createTickets } from './tickets.ts';
import { createViewerCounts } from './viewer-counts.ts';
import { createWatching } from './watching.ts';
import { addWebhookRoutes } from './webhook-routes.ts';

export interface GatewayOptions {
  readonly redisUrl: string;
  readonly namespace: string;
  readonly secretKeys: readonly RingKey[];
  readonly policy: Policy;
  /** How long a session is polled after its last viewer left, ms. */
  readonly unwatchedGraceMs: number;
  readonly upstreamHosts: readonly string[];
  readonly adminKey: string | undefined;
  readonly maxConnections: number;
  /** 0 takes a free port. */
  readonly port: number;
  readonly host?: string;
  /** Where clients reach us; unset: this machine's loopback address and the port. */
  readonly publicUrl: string | undefined;
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
  const { log, namespace, unwatchedGraceMs, upstreamHosts } = options;
  const { redis, clock, bus, sessions } = node;
  let address = options.publicUrl ?? null;
  const publicUrl = (): string => address ?? '';
  let isDraining = false;

  const keyring = createKeyring(options.secretKeys);
  await proveKeyring(redis, namespace, keyring);
  const provider = openProvider();
  releasers.push('provider', () => provider.close());
  const shared = { ...node, namespace, keyring, log, upstreamHosts, policy: options.policy };
  const tenants = createTenants(shared);
  const tickets = createTickets(shared);
  const auth = createAuth({ tenants, tickets, adminKey: options.adminKey, publicUrl });
  const index = createSessionIndex(shared);
  const watching = createWatching({ ...shared, graceMs: unwatchedGraceMs });
  const viewerCounts = createViewerCounts({ ...shared, gatewayId: randomUUID(), lastsMs: unwatchedGraceMs });
  const service = createSessionService({ ...shared, index, watching, viewerCounts, tickets });
  const passwordStep = createPasswordStep({ ...shared, watching, provider });
  const revocations = openRevocations({ bus, redis, namespace, tickets, now: clock.now });
  releasers.push('revocations', () => revocations.close());
  const hub = openHub({ sessions, watching, viewerCounts, clock, log, renewEveryMs: Math.floor(unwatchedGraceMs / RENEWALS_PER_GRACE) });

  const app = createHttpServer(log, () => isDraining);
  releasers.push('http', () => app.close());
  addOpsRoutes(app, async () => {
    if (isDraining) throw new Error('draining');
    await node.ready();
  });
  addPageRoutes(app, options.pageFolder);
  addSessionRoutes(app, { auth, service, sessions, watching, hub, passwordStep, revocations, publicUrl });
  addTenantRoutes(app, { auth, tenants, service, publicUrl });
  addWebhookRoutes(app, { tenants, index, sessions, watching, clock, log });
  await app.ready();
  const stream = openSocketIo(app.server, { auth, hub, service, passwordStep, revocations, maxConnections: options.maxConnections, log });
  releasers.push('socket.io', () => stream.close());
  releasers.push('hub', () => hub.close()); // first to go: it answers the requests that are held

  await app.listen({ port: options.port, host: options.host ?? '0.0.0.0' }).catch((error: unknown) => {
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
      isDraining = true;
      closing ??= stream.drain(drainMs).finally(() => releasers.release());
      return closing;
    },
  };
}
