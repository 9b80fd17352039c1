/** `pnpm start`: the whole product in one process, from nothing. */

import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/provider/upstream';
import { createLog } from '@qrcast/runtime/log';
import { runService } from '@qrcast/runtime/service';
import { readSettings } from '@qrcast/runtime/settings';
import { runStart } from './start.ts';

/** For what comes after the drain. */
const STOP_MARGIN_MS = 10_000;

const log = createLog('qrcast', 'info');

await runService({ name: 'qrcast', log }, async (releasers) => {
  const settings = readSettings(process.env, [
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
    'QRCAST_LOG_LEVEL',
    'QRCAST_WORKER_CONCURRENCY',
    'GREEN_API_ID_INSTANCE',
    'GREEN_API_TOKEN',
    'GREEN_API_URL',
  ]);
  log.level = settings.QRCAST_LOG_LEVEL;
  await runStart({
    settings,
    path: process.env['PATH'] ?? '',
    folder: '.qrcast',
    defaultHosts: DEFAULT_UPSTREAM_HOSTS,
    log,
    releasers,
    write: (text) => void process.stdout.write(text),
  });
  return { stopMs: STOP_MARGIN_MS };
});
