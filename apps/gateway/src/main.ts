/** Starts one gateway from the environment. */

import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import { createLog, setLogFormat } from '@qrcast/runtime/log';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import { serveMetrics } from '@qrcast/runtime/process/metrics-server';
import { warnOfProxyVariables } from '@qrcast/runtime/process/proxy-log';
import { runService, STOP_MARGIN_MS } from '@qrcast/runtime/process/service';
import { readSettings } from '@qrcast/runtime/process/settings';
import { addressOptions, limitOptions, redisUrlOf, roleOptions } from '@qrcast/runtime/process/settings-options';
import { GATEWAY_SETTINGS, ROLE_SETTINGS } from '@qrcast/runtime/process/settings-table';
import { warnOfUnknownSettings } from '@qrcast/runtime/process/unknown-settings';
import { PAGE_FOLDER } from './api/page-folder.ts';
import { startGateway } from './gateway.ts';

const log = createLog('gateway', 'info');

await runService({ name: 'gateway', log }, async (releasers) => {
  warnOfUnknownSettings(Object.keys(process.env), log);
  warnOfProxyVariables(process.env, log);
  const settings = readSettings(process.env, [...ROLE_SETTINGS, ...GATEWAY_SETTINGS], ['REDIS_URL', 'QRCAST_SECRET_KEYS']);
  log.level = settings.QRCAST_LOG_LEVEL;
  setLogFormat(settings.QRCAST_LOG_FORMAT);
  const meters = createMeters(settings.QRCAST_METRICS_TENANTS);
  await serveMetrics(settings, { meters, owners: ['gateway'], log }, releasers);
  const gateway = await startGateway({
    ...roleOptions(settings),
    ...limitOptions(settings),
    ...addressOptions(settings),
    redisUrl: redisUrlOf(settings.REDIS_URL, settings),
    secretKeys: settings.QRCAST_SECRET_KEYS,
    upstreamHosts: settings.QRCAST_UPSTREAM_HOSTS ?? DEFAULT_UPSTREAM_HOSTS,
    unwatchedGraceMs: settings.QRCAST_UNWATCHED_GRACE_MS,
    adminKey: settings.QRCAST_ADMIN_KEY,
    maxConnections: settings.QRCAST_MAX_CONNECTIONS,
    connectsPerSecond: settings.QRCAST_CONNECTS_PER_SECOND,
    port: settings.PORT,
    hasConsole: settings.QRCAST_CONSOLE === 'on',
    pageFolder: PAGE_FOLDER,
    meters,
    log,
  });
  releasers.push('gateway', () => gateway.close(settings.QRCAST_DRAIN_MS));
  return { stopMs: settings.QRCAST_DRAIN_MS + STOP_MARGIN_MS };
});
