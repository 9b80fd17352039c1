/**
 * A private gateway for one login: Redis, worker and gateway of this process, on free loopback
 * ports. Its keys are made for this login and stay in memory. Everything it writes is in a
 * temporary folder, which is removed at the end. A `start` in the same folder is not affected.
 */

import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import type { Logger } from '@qrcast/runtime/log';
import { proxyRoute } from '@qrcast/runtime/process/proxy-settings';
import type { Settings } from '@qrcast/runtime/process/settings-table';
import { DEFAULT_NAMESPACE } from '@qrcast/runtime/redis/keys';
import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis/redis-server';
import type { Releasers } from '@qrcast/runtime/releasers';
import { createRedisServer } from 'js-redis-server';
import { startStack } from '../stack.ts';

export const LOGIN_SETTINGS = [
  'QRCAST_POLL_INTERVAL_MS',
  'QRCAST_ATTEMPT_MS',
  'QRCAST_CODE_TTL_MS',
  'QRCAST_LOG_LEVEL',
  'HTTPS_PROXY',
  'NO_PROXY',
] as const;

export interface LoginStackOptions {
  readonly settings: Settings<(typeof LOGIN_SETTINGS)[number]>;
  /** The PATH to look for programs in. */
  readonly path: string;
  /** The provider's host, if the caller named one. The owner of a token may send it anywhere. */
  readonly apiUrl: string | undefined;
  readonly log: Logger;
}

/** A person watches this login, so the grace only covers a reconnect. */
const UNWATCHED_GRACE_MS = 15_000;
const MAX_CONNECTIONS = 100;
const CONCURRENCY = 10;

/** Pushes what it opens to `releasers`. */
export async function openLoginStack(options: LoginStackOptions, releasers: Releasers): Promise<{ url: string; apiKey: string }> {
  const { settings, apiUrl, log } = options;
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-login-'));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder); // a second signal exits at once
  releasers.push('folder', () => {
    removeFolder();
    process.off('exit', removeFolder);
  });
  const apiKey = `qk_${randomBytes(32).toString('base64url')}`;
  const gateway = await startStack(
    {
      redisUrl: await openRedis(options.path, folder, releasers),
      namespace: DEFAULT_NAMESPACE,
      secretKeys: [{ id: 'login', key: randomBytes(32) }],
      policy: {
        intervalMs: settings.QRCAST_POLL_INTERVAL_MS,
        codeTtlMs: settings.QRCAST_CODE_TTL_MS,
        attemptMs: settings.QRCAST_ATTEMPT_MS,
      },
      unwatchedGraceMs: UNWATCHED_GRACE_MS,
      proxyRoute: proxyRoute(settings.HTTPS_PROXY, settings.NO_PROXY),
      upstreamHosts: apiUrl === undefined ? DEFAULT_UPSTREAM_HOSTS : [...DEFAULT_UPSTREAM_HOSTS, apiUrl],
      adminKey: undefined,
      maxConnections: MAX_CONNECTIONS,
      concurrency: CONCURRENCY,
      hostConcurrency: CONCURRENCY,
      port: 0,
      host: '127.0.0.1',
      publicUrl: undefined,
      hstsSeconds: undefined,
      drainMs: 0,
      apiKey,
      webhookToken: randomBytes(32).toString('base64url'),
      log,
    },
    releasers,
  );
  return { url: gateway.publicUrl, apiKey };
}

/**
 * Opens the machine's Redis, or else the stand-in, which is enough for one login. Neither keeps any
 * data.
 */
async function openRedis(path: string, folder: string, releasers: Releasers): Promise<string> {
  const program = findRedisProgram(path);
  if (program === null) {
    const server = await createRedisServer({ port: 0 });
    releasers.push('Redis stand-in', () => server.close());
    return `redis://127.0.0.1:${server.port}`;
  }
  const server = await openRedisServer({ program, folder, persistent: false });
  releasers.push('private Redis', () => server.close());
  return server.url;
}
