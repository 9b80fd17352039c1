/**
 * The HTTP server with every route on it, ready to be called. `openTransports` adds the streams
 * that take a connection over.
 */

import type { IncomingMessage } from 'node:http';
import { DEFAULT_CALLBACK_HOSTS } from '@qrcast/core/callback-address';
import { pathPrefixOf } from '@qrcast/core/public-url';
import { createCallbackLog } from '@qrcast/runtime/callbacks/callback-log';
import { NotReadyError } from '@qrcast/runtime/redis/connections';
import { createStatisticsReader } from '@qrcast/runtime/statistics/statistics';
import { createWeatherReader } from '@qrcast/runtime/statistics/weather';
import type { FastifyInstance } from 'fastify';
import { addCallbackRoutes } from '../api/callback-routes.ts';
import { addCodeRoutes } from '../api/code-routes.ts';
import { addConsoleRoutes } from '../api/console-routes.ts';
import { createFramers } from '../api/framers.ts';
import { addOpsRoutes } from '../api/health-routes.ts';
import { addOverviewRoutes } from '../api/overview-routes.ts';
import { addPageRoutes } from '../api/page-routes.ts';
import { addSessionRoutes } from '../api/session-routes.ts';
import { addStatisticsRoutes } from '../api/statistics-routes.ts';
import { addStrayRequests } from '../api/stray-requests.ts';
import { addTenantRoutes } from '../api/tenant-routes.ts';
import { addTimelineRoutes } from '../api/timeline-routes.ts';
import { addAuditRoutes } from '../audit/audit-routes.ts';
import { addAddressRates } from '../auth/address-rates.ts';
import { addCallers } from '../auth/caller.ts';
import { addContractRoutes } from '../docs/docs-routes.ts';
import { createHttpServer } from '../http/http-server.ts';
import { createNotificationMisses } from '../http/notification-misses.ts';
import { createPrefixRemover, type WithoutPrefix } from '../http/path-prefix.ts';
import { namesSecret } from '../http/request-rules.ts';
import { type AnswerHeaders, answerHeaders } from '../http/security-headers.ts';
import { type Connections, trackConnections } from '../http/tcp-connections.ts';
import { addConnectRate } from '../limits/connect-rate.ts';
import { createTokenBuckets } from '../limits/token-buckets.ts';
import { addNotificationRoutes } from '../notifications/notification-routes.ts';
import { addWebhookSetupRoutes } from '../notifications/webhook-setup-routes.ts';
import { shareStatistics, shareWeather } from '../overview/shared-statistics.ts';
import { isSocketIoPath } from '../streams/transports/socketio.ts';
import { addEventsRoute } from '../streams/transports/sse.ts';
import { isWebSocketPath } from '../streams/transports/websocket.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { Notifications } from './notifications.ts';
import type { OverviewParts } from './overview.ts';
import type { SessionParts } from './sessions.ts';
import type { Shared } from './shared.ts';
import type { Tenancy } from './tenancy.ts';
import type { Viewers } from './viewers.ts';

export interface HttpSurface {
  readonly app: FastifyInstance;
  readonly connections: Connections;
  readonly headers: AnswerHeaders;
  readonly withoutPrefix: WithoutPrefix;
}

export interface HttpSurfaceOptions extends Pick<GatewayOptions, 'hstsSeconds' | 'pageFolder' | 'callbackHosts' | 'hasConsole'> {
  /** Rejects while the node does not answer. */
  readonly ready: () => Promise<void>;
}

/** All parts that routes call. */
type Parts = Shared & Tenancy & SessionParts & OverviewParts & Viewers & Notifications;

/** Connections for HTTP calls, beside those of streams. Idle ones give way to new ones. */
const MAX_PLAIN_CONNECTIONS = 2_000;

export async function openHttpSurface(parts: Parts, options: HttpSurfaceOptions): Promise<HttpSurface> {
  const { log, meters, publicAddress, slots, addressRates, releasers } = parts;
  const { configured } = publicAddress;
  const prefix = configured === null ? null : pathPrefixOf(configured);
  const withoutPrefix = createPrefixRemover(prefix ?? '');
  const headers = answerHeaders(configured ?? undefined, options.hstsSeconds);
  const app = await createHttpServer({
    log,
    meters,
    isDraining: slots.isDraining,
    isUpgrade: createIsUpgrade(withoutPrefix),
    headers,
    refuseMiss: createNotificationMisses({ publicUrl: configured, log, now: () => performance.now() }),
  });
  addCallers(app, addressRates.addressOf);
  addAddressRates(app, addressRates, parts.credentials);
  addConnectRate(app, parts.connectRate);
  const connections = trackConnections(app.server, parts.maxViewerConnections + MAX_PLAIN_CONNECTIONS);
  releasers.push('http', () => app.close());
  addPublicRoutes(app, parts, prefix, options);
  addApiRoutes(app, parts, options);
  addProviderRoutes(app, parts);
  await app.ready();
  return { app, connections, headers, withoutPrefix };
}

/**
 * Routes that anybody may call: health, the contract, the pages, and the answer to unknown paths.
 */
function addPublicRoutes(app: FastifyInstance, parts: Parts, prefix: string | null, options: HttpSurfaceOptions): void {
  const { ready, pageFolder, hasConsole = false } = options;
  addOpsRoutes(app, async () => {
    if (parts.slots.isDraining()) throw new NotReadyError('this gateway drains');
    await ready();
  });
  addContractRoutes(app, { publicUrl: parts.publicAddress.url });
  const sendLoginPage = addPageRoutes(app, pageFolder, createFramers(parts), prefix);
  if (hasConsole) addConsoleRoutes(app, pageFolder, prefix);
  addStrayRequests(app, { sendLoginPage, prefix: prefix ?? '' });
}

function addApiRoutes(app: FastifyInstance, parts: Parts, { callbackHosts = DEFAULT_CALLBACK_HOSTS }: HttpSurfaceOptions): void {
  const publicUrl = parts.publicAddress.url;
  const now = (): number => performance.now();
  addSessionRoutes(app, { ...parts, unheldAnswers: createTokenBuckets(now), publicUrl });
  addEventsRoute(app, parts);
  addCodeRoutes(app, parts);
  const statistics = shareStatistics(createStatisticsReader(parts), now);
  addTenantRoutes(app, { ...parts, statistics, publicUrl, callbackHosts });
  addTimelineRoutes(app, parts);
  addOverviewRoutes(app, parts);
  addAuditRoutes(app, parts);
  addStatisticsRoutes(app, { ...parts, statistics, readWeather: shareWeather(createWeatherReader(parts), now) });
  addCallbackRoutes(app, { ...parts, callbackLog: createCallbackLog(parts) });
}

function addProviderRoutes(app: FastifyInstance, parts: Parts): void {
  addNotificationRoutes(app, parts);
  // The look-up that records no watch: no code is shown here.
  addWebhookSetupRoutes(app, { theirSession: parts.sessionLookup, webhookSetup: parts.webhookSetup });
}

function createIsUpgrade(withoutPrefix: WithoutPrefix): (request: IncomingMessage) => boolean {
  return ({ headers, url: given = '' }) => {
    const url = withoutPrefix(given);
    return headers.upgrade?.toLowerCase() === 'websocket' && (isWebSocketPath(url) || isSocketIoPath(url)) && !namesSecret(url);
  };
}
