/** `pnpm start`: runs the whole product in one process. Nothing has to be set up before. */

import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import { createLog, setLogFormat } from '@qrcast/runtime/log';
import { warnOfProxyVariables } from '@qrcast/runtime/process/proxy-log';
import { runService, STOP_MARGIN_MS } from '@qrcast/runtime/process/service';
import { readSettings } from '@qrcast/runtime/process/settings';
import { warnOfUnknownSettings } from '@qrcast/runtime/process/unknown-settings';
import { reachGateways } from './reach-gateways.ts';
import { runStart, START_SETTINGS } from './start/start.ts';

const log = createLog('qrcast', 'info');

await runService({ name: 'qrcast', log }, async (releasers) => {
  warnOfUnknownSettings(Object.keys(process.env), log);
  warnOfProxyVariables(process.env, log);
  const settings = readSettings(process.env, START_SETTINGS);
  log.level = settings.QRCAST_LOG_LEVEL;
  setLogFormat(settings.QRCAST_LOG_FORMAT);
  reachGateways(process.env, false);
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
