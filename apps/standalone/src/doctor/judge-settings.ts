/** Judges the environment itself: settings, misspelled names, proxies and Node. Pure. */

import type { Environment } from '@qrcast/runtime/process/environment';
import { betterNodeThan } from '@qrcast/runtime/process/node-version';
import { findProxyWarnings, proxyWarningText } from '@qrcast/runtime/process/proxy-log';
import { readSettings, SettingsError } from '@qrcast/runtime/process/settings';
import { GATEWAY_SETTINGS, ROLE_SETTINGS, WORKER_SETTINGS } from '@qrcast/runtime/process/settings-table';
import { findUnknownSettings, unknownSettingText } from '@qrcast/runtime/process/unknown-settings';
import { type Finding, fault, ok, warning } from './finding.ts';

const SETTINGS = { id: 'settings', expected: 'settings that gateways and workers can start with' };
const NAMES = { id: 'setting-names', expected: 'only variables that qrcast reads' };
const PROXIES = { id: 'proxy-settings', expected: 'only HTTPS_PROXY and NO_PROXY, in forms that are understood' };
const NODE = { id: 'node', expected: 'a Node without known security holes' };

/** @param nodeVersion like `24.21.0` */
export function judgeSettings(env: Environment, nodeVersion: string): Finding[] {
  const better = betterNodeThan(nodeVersion);
  return [
    better === null
      ? ok(NODE, `Node ${nodeVersion}`)
      : warning(NODE, `Node ${nodeVersion} has known security holes`, `use ${better} or newer`),
    ...settingFaults(env),
    ...findUnknownSettings(Object.keys(env)).map((one) => warning(NAMES, unknownSettingText(one), `correct or remove ${one.variable}`)),
    ...findProxyWarnings(env).map((one) => warning(PROXIES, proxyWarningText(one), `correct or remove ${one.variable}`)),
  ];
}

function settingFaults(env: Environment): Finding[] {
  try {
    readSettings(env, [...ROLE_SETTINGS, ...GATEWAY_SETTINGS, ...WORKER_SETTINGS], ['REDIS_URL', 'QRCAST_SECRET_KEYS']);
    return [ok(SETTINGS, 'all can be read')];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.faults.map((text) => fault(SETTINGS, text, `correct ${/^\w+/.exec(text)?.[0] ?? 'it'}; SETTINGS.md describes it`));
  }
}
