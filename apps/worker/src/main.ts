/** Starts one worker from the environment. */

import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import { createLog, setLogFormat } from '@qrcast/runtime/log';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import { serveMetrics } from '@qrcast/runtime/process/metrics-server';
import { openOpsServer } from '@qrcast/runtime/process/ops-server';
import { warnOfProxyVariables } from '@qrcast/runtime/process/proxy-log';
import { runService, STOP_MARGIN_MS } from '@qrcast/runtime/process/service';
import { readSettings } from '@qrcast/runtime/process/settings';
import { redisUrlOf, roleOptions } from '@qrcast/runtime/process/settings-options';
import { ROLE_SETTINGS, WORKER_SETTINGS } from '@qrcast/runtime/process/settings-table';
import { warnOfUnknownSettings } from '@qrcast/runtime/process/unknown-settings';
import { NotReadyError } from '@qrcast/runtime/redis/connections';
import { startWorker } from './worker.ts';

const log = createLog('worker', 'info');

await runService({ name: 'worker', log }, async (releasers, fail) => {
  warnOfUnknownSettings(Object.keys(process.env), log);
  warnOfProxyVariables(process.env, log);
  const settings = readSettings(process.env, [...ROLE_SETTINGS, ...WORKER_SETTINGS], ['REDIS_URL', 'QRCAST_SECRET_KEYS']);
  log.level = settings.QRCAST_LOG_LEVEL;
  setLogFormat(settings.QRCAST_LOG_FORMAT);
  const meters = createMeters(settings.QRCAST_METRICS_TENANTS);
  await serveMetrics(settings, { meters, owners: ['worker'], log }, releasers);
  let ready: () => Promise<void> = () => Promise.reject(new NotReadyError('this worker starts'));
  // Opened first and closed last, because a worker that drains is still alive.
  const ops = await openOpsServer(settings.PORT, () => ready());
  releasers.push('ops server', () => ops.close());
  const worker = await startWorker({
    ...roleOptions(settings),
    redisUrl: redisUrlOf(settings.REDIS_URL, settings),
    secretKeys: settings.QRCAST_SECRET_KEYS,
    upstreamHosts: settings.QRCAST_UPSTREAM_HOSTS ?? DEFAULT_UPSTREAM_HOSTS,
    callbackProxy: settings.QRCAST_CALLBACK_PROXY,
    concurrency: settings.QRCAST_WORKER_CONCURRENCY,
    hostConcurrency: settings.QRCAST_HOST_CONCURRENCY,
    onWedged: (queue) => fail(`the queue "${queue}" gives this worker no jobs`),
    meters,
    log,
  });
  ready = () => worker.ready();
  releasers.push('worker', () => {
    ready = () => Promise.reject(new NotReadyError('this worker drains'));
    return worker.close(settings.QRCAST_DRAIN_MS);
  });
  log.info({ port: ops.port }, 'worker is up');
  return { stopMs: settings.QRCAST_DRAIN_MS + STOP_MARGIN_MS };
});
