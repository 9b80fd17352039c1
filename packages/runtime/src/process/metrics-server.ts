/**
 * Serves `/metrics` on a port of its own: with a token to all addresses, without one to this machine
 * alone.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { errorFields, type Logger } from '../log.ts';
import type { Meters } from '../metrics/meters.ts';
import type { MetricOwner } from '../metrics/metric.ts';
import type { Releasers } from '../releasers.ts';
import { type MetricsRegistry, openMetricsRegistry } from './metrics-registry.ts';
import type { Settings } from './settings-table.ts';

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface MetricsServerOptions {
  readonly port: number;
  readonly token?: string | undefined;
  readonly meters: Meters;
  readonly owners: readonly MetricOwner[];
  readonly log: Logger;
}

const LOOPBACK = '127.0.0.1';
const REQUEST_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 10_000;
/** Prometheus needs one, and a second one may stand beside it. */
const MAX_CONNECTIONS = 20;

/** What of the settings this needs. */
export type MetricsSettings = Settings<'QRCAST_METRICS_PORT' | 'QRCAST_METRICS_TOKEN'>;

/** Serves what `owners` count in `meters` if the operator has set a port. */
export async function serveMetrics(
  settings: MetricsSettings,
  options: Pick<MetricsServerOptions, 'meters' | 'owners' | 'log'>,
  releasers: Releasers,
): Promise<void> {
  const { QRCAST_METRICS_PORT: port, QRCAST_METRICS_TOKEN: token } = settings;
  if (port === undefined) return;
  const server = await openMetricsServer({ ...options, port, token });
  releasers.push('metrics', () => server.close());
  options.log.info({ port: server.port, isPublic: token !== undefined }, 'metrics are served');
}

/** @throws if the port is taken */
export async function openMetricsServer({ port, token, meters, owners, log }: MetricsServerOptions): Promise<MetricsServer> {
  const registry = openMetricsRegistry(meters, owners);
  const server = createServer({ connectionsCheckingInterval: 1_000, requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    answer(request, response, { registry, token }).catch((error: unknown) => {
      log.error(errorFields(error), 'the metrics could not be read');
      if (!response.headersSent) plain(response, 500, 'the metrics could not be read; the log says why');
    });
  });
  // Strangers must not take the descriptors of a gateway.
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(IDLE_TIMEOUT_MS);
  const where = token === undefined ? { port, host: LOOPBACK } : { port };
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(where, () => resolve())).catch((cause: unknown) => {
    registry.close();
    throw new Error(`port ${port} cannot be listened on; set QRCAST_METRICS_PORT to a free one, or to 0`, { cause });
  });
  server.on('error', (error) => log.warn(errorFields(error), 'the metrics server reported an error'));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      registry.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Served {
  readonly registry: MetricsRegistry;
  readonly token: string | undefined;
}

async function answer({ method, url, headers }: IncomingMessage, response: ServerResponse, { registry, token }: Served): Promise<void> {
  if (token !== undefined && !isBearer(headers.authorization, token)) {
    response.setHeader('www-authenticate', 'Bearer');
    return plain(response, 401, 'expected the header Authorization: Bearer <QRCAST_METRICS_TOKEN>');
  }
  if (url !== '/metrics') return plain(response, 404, 'only /metrics is here');
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return plain(response, 405, 'expected GET');
  }
  const text = await registry.text();
  response.writeHead(200, { 'content-type': registry.contentType, 'cache-control': 'no-store' }).end(method === 'HEAD' ? undefined : text);
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(`${text}\n`);
}

/** Takes the same time for every wrong token. */
function isBearer(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '';
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(token));
}
