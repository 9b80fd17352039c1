/**
 * Runs `start` in this order: keys, Redis, provider, worker, gateway, a first session, the banner.
 * A log for programs has one line in place of the banner, whose keys and tickets it must not hold.
 */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseKeyring } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import { serveMetrics } from '@qrcast/runtime/process/metrics-server';
import { addressOptions, limitOptions, redisUrlOf, roleOptions } from '@qrcast/runtime/process/settings-options';
import { GATEWAY_SETTINGS, ROLE_SETTINGS, type Settings, WORKER_SETTINGS } from '@qrcast/runtime/process/settings-table';
import type { Releasers } from '@qrcast/runtime/releasers';
import { openPrivateRedis, type PrivateRedis, redisAdvice } from '../private-redis.ts';
import { DEFAULT_TENANT, type StackOptions, startSimulator, startStack } from '../stack.ts';
import { banner, type ConsoleFacts } from './banner.ts';
import { type Home, openHome } from './home.ts';
import { createSession } from './session.ts';
import { showInTerminal } from './terminal.ts';

export const START_SETTINGS = [
  ...ROLE_SETTINGS,
  ...GATEWAY_SETTINGS,
  ...WORKER_SETTINGS,
  'GREEN_API_ID_INSTANCE',
  'GREEN_API_TOKEN',
  'GREEN_API_URL',
] as const;

export type StartSettings = Settings<(typeof START_SETTINGS)[number]>;

export interface StartOptions {
  readonly settings: StartSettings;
  /** The PATH to look for programs in. */
  readonly path: string;
  /** The folder for keys and data. */
  readonly folder: string;
  /** The real provider's hosts. */
  readonly defaultHosts: readonly string[];
  readonly log: Logger;
  readonly releasers: Releasers;
  readonly write: (text: string) => void;
}

/** A developer's screens need no time to move to another gateway. */
const DRAIN_MS = 0;

export async function runStart(options: StartOptions): Promise<void> {
  const { settings, path, folder, log, releasers, write } = options;
  const home = openHome(folder);
  releasers.push('home', () => home.close());
  if (home.wereOpen.length > 0) {
    log.warn(
      { paths: home.wereOpen },
      'other users of this machine could read these paths until now; if they may have, move keys.json away to get new keys',
    );
  }
  const privateRedis = settings.REDIS_URL === undefined ? await openPrivateRedis(path, home.redisFolder) : null;
  if (privateRedis !== null) releasers.push('private Redis', () => privateRedis.close());

  const isReal = settings.GREEN_API_ID_INSTANCE !== undefined && settings.GREEN_API_TOKEN !== undefined;
  const simulated = isReal ? null : await startSimulator(releasers);
  const redisUrl = redisUrlOf(settings.REDIS_URL ?? privateRedis?.url ?? '', settings);
  const meters = createMeters(settings.QRCAST_METRICS_TENANTS);
  await serveMetrics(settings, { meters, owners: ['gateway', 'worker'], log }, releasers);
  const console = consoleOf(settings);
  const gateway = await startStack({ ...stackOptions(options, home, redisUrl, simulated, console), meters }, releasers);
  const local = `http://127.0.0.1:${gateway.port}`;
  simulated?.instance.setWebhook({ url: `${local}/v1/webhooks/green-api/${DEFAULT_TENANT}`, token: home.webhookToken });

  const credentials = credentialsOf(settings, simulated);
  const session = await createSession({ url: local, apiKey: home.apiKey }, credentials);
  if (settings.QRCAST_LOG_FORMAT === 'json') {
    log.info({ url: gateway.publicUrl, keysFile: join(folder, 'keys.json') }, 'qrcast is up');
    return;
  }
  write(
    banner({
      url: gateway.publicUrl,
      pageUrl: session.pageUrl,
      apiKey: home.apiKey,
      console,
      instanceId: String(credentials['instanceId']),
      simulator: simulated === null ? null : { url: simulated.simulator.url, apiToken: simulated.instance.apiToken },
      redisAdvice: redisAdviceFor(privateRedis),
    }),
  );
  if (isReal) releasers.push('terminal', showInTerminal({ url: local, ticket: session.ticket, pageUrl: session.pageUrl, write }));
}

/** @returns null if a real Redis runs */
function redisAdviceFor(redis: PrivateRedis | null): string | null {
  return redis?.isReal === false ? redisAdvice(process.platform, existsSync('/usr/bin/apt-get')) : null;
}

/** Null if the real provider is polled. */
type Simulated = Awaited<ReturnType<typeof startSimulator>> | null;

/**
 * An admin key is made only where nobody else can reach this process. It ends with this run.
 */
function consoleOf({ QRCAST_CONSOLE, QRCAST_ADMIN_KEY, QRCAST_PUBLIC_URL }: StartSettings): ConsoleFacts | null {
  if (QRCAST_CONSOLE === 'off') return null;
  if (QRCAST_ADMIN_KEY !== undefined) return { adminKey: 'given' };
  return { adminKey: QRCAST_PUBLIC_URL === undefined ? { made: `ak_${randomBytes(32).toString('base64url')}` } : 'none' };
}

function stackOptions(
  { settings, defaultHosts, log }: StartOptions,
  home: Home,
  redisUrl: string,
  simulated: Simulated,
  console: ConsoleFacts | null,
): StackOptions {
  const hosts = settings.QRCAST_UPSTREAM_HOSTS ?? defaultHosts;
  return {
    ...roleOptions(settings),
    ...limitOptions(settings),
    ...addressOptions(settings),
    redisUrl,
    secretKeys: settings.QRCAST_SECRET_KEYS ?? parseKeyring(home.secretKeys),
    unwatchedGraceMs: settings.QRCAST_UNWATCHED_GRACE_MS,
    upstreamHosts: simulated === null ? hosts : [...hosts, simulated.simulator.url],
    adminKey: typeof console?.adminKey === 'object' ? console.adminKey.made : settings.QRCAST_ADMIN_KEY,
    hasConsole: console !== null,
    maxConnections: settings.QRCAST_MAX_CONNECTIONS,
    connectsPerSecond: settings.QRCAST_CONNECTS_PER_SECOND,
    callbackProxy: settings.QRCAST_CALLBACK_PROXY,
    concurrency: settings.QRCAST_WORKER_CONCURRENCY,
    hostConcurrency: settings.QRCAST_HOST_CONCURRENCY,
    port: settings.PORT,
    // Only an operator who names a public address wants others to reach this process.
    host: settings.QRCAST_PUBLIC_URL === undefined ? '127.0.0.1' : undefined,
    drainMs: DRAIN_MS,
    apiKey: home.apiKey,
    webhookToken: home.webhookToken,
    log,
  };
}

/** @returns the credentials for the first session */
function credentialsOf(settings: StartSettings, simulated: Simulated): Record<string, unknown> {
  if (simulated !== null) {
    const { instance, simulator } = simulated;
    return { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url };
  }
  return {
    instanceId: settings.GREEN_API_ID_INSTANCE,
    apiToken: settings.GREEN_API_TOKEN,
    ...(settings.GREEN_API_URL === undefined ? {} : { apiUrl: settings.GREEN_API_URL }),
  };
}
