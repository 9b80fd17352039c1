/** Starts one gateway from the environment. */

import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/provider/upstream';
import { createLog } from '@qrcast/runtime/log';
import { runService } from '@qrcast/runtime/service';
import { readSettings } from '@qrcast/runtime/settings';
import { startGateway } from './gateway.ts';
import { PAGE_FOLDER } from './page-folder.ts';

/** For what comes after the drain. */
const STOP_MARGIN_MS = 10_000;

const log = createLog('gateway', 'info');

await runService({ name: 'gateway', log }, async (releasers) => {
  const settings = readSettings(
    process.env,
    [
      'PORT',
      'REDIS_URL',
      'QRCAST_NAMESPACE',
      'QRCAST_ADMIN_KEY',
      'QRCAST_SECRET_KEYS',
      'QRCAST_UPSTREAM_HOSTS',
      'QRCAST_PUBLIC_URL',
      'QRCAST_POLL_INTERVAL_MS',
      'QRCAST_ATTEMPT_MS',
      'QRCAST_CODE_TTL_MS',
      'QRCAST_UNWATCHED_GRACE_MS',
      'QRCAST_MAX_CONNECTIONS',
      'QRCAST_DRAIN_MS',
      'QRCAST_LOG_LEVEL',
    ],
    ['REDIS_URL', 'QRCAST_SECRET_KEYS'],
  );
  log.level = settings.QRCAST_LOG_LEVEL;
  const gateway = await startGateway({
    redisUrl: settings.REDIS_URL,
    namespace: settings.QRCAST_NAMESPACE,
    secretKeys: settings.QRCAST_SECRET_KEYS,
    policy: {
      intervalMs: settings.QRCAST_POLL_INTERVAL_MS,
      codeTtlMs: settings.QRCAST_CODE_TTL_MS,
      attemptMs: settings.QRCAST_ATTEMPT_MS,
    },
    unwatchedGraceMs: settings.QRCAST_UNWATCHED_GRACE_MS,
    upstreamHosts: settings.QRCAST_UPSTREAM_HOSTS ?? DEFAULT_UPSTREAM_HOSTS,
    adminKey: settings.QRCAST_ADMIN_KEY,
    maxConnections: settings.QRCAST_MAX_CONNECTIONS,
    port: settings.PORT,
    publicUrl: settings.QRCAST_PUBLIC_URL,
    pageFolder: PAGE_FOLDER,
    log,
  });
  releasers.push('gateway', () => gateway.close(settings.QRCAST_DRAIN_MS));
  return { stopMs: settings.QRCAST_DRAIN_MS + STOP_MARGIN_MS };
});
