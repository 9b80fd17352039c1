/** Starts one worker from the environment. */

import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/provider/upstream';
import { createLog } from '@qrcast/runtime/log';
import { openOpsServer } from '@qrcast/runtime/ops-server';
import { runService } from '@qrcast/runtime/service';
import { ROLE_SETTINGS, readSettings, roleOptions } from '@qrcast/runtime/settings';
import { startWorker } from './worker.ts';

/** For what comes after the drain. */
const STOP_MARGIN_MS = 10_000;

const log = createLog('worker', 'info');

await runService({ name: 'worker', log }, async (releasers) => {
  const settings = readSettings(process.env, [...ROLE_SETTINGS, 'QRCAST_WORKER_CONCURRENCY'], ['REDIS_URL', 'QRCAST_SECRET_KEYS']);
  log.level = settings.QRCAST_LOG_LEVEL;
  const worker = await startWorker({
    ...roleOptions(settings),
    redisUrl: settings.REDIS_URL,
    secretKeys: settings.QRCAST_SECRET_KEYS,
    upstreamHosts: settings.QRCAST_UPSTREAM_HOSTS ?? DEFAULT_UPSTREAM_HOSTS,
    concurrency: settings.QRCAST_WORKER_CONCURRENCY,
    log,
  });
  releasers.push('worker', () => worker.close(settings.QRCAST_DRAIN_MS));
  const ops = await openOpsServer(settings.PORT, () => worker.ready());
  releasers.push('ops server', () => ops.close());
  log.info({ port: ops.port }, 'worker is up');
  return { stopMs: settings.QRCAST_DRAIN_MS + STOP_MARGIN_MS };
});
