/** JSON schemas of qrcast's settings as values of the chart, made from the table of settings. Pure. */

import {
  GATEWAY_SETTINGS,
  isSecret,
  ROLE_SETTINGS,
  SETTINGS,
  type SettingName,
  WORKER_SETTINGS,
} from '@qrcast/runtime/process/settings-table';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** What other values of the chart set. */
const SET_BY_CHART: readonly SettingName[] = [
  'PORT',
  'QRCAST_DRAIN_MS',
  'QRCAST_METRICS_PORT',
  'QRCAST_PUBLIC_URL',
  'QRCAST_REDIS_CA',
  'QRCAST_REDIS_CERT',
  'QRCAST_REDIS_KEY',
];
/** What a role may have for itself, although both read it. */
const OF_EACH_PROCESS: readonly SettingName[] = ['QRCAST_LOG_LEVEL', 'QRCAST_LOG_FORMAT'];

const areValues = (name: SettingName): boolean => !isSecret(name) && !SET_BY_CHART.includes(name);

/** By the value that they belong into. */
export const SETTINGS_BY_VALUE: Readonly<Record<'both' | 'gateway' | 'worker', readonly SettingName[]>> = {
  both: ROLE_SETTINGS.filter(areValues),
  gateway: [...OF_EACH_PROCESS, ...GATEWAY_SETTINGS.filter(areValues)],
  worker: [...OF_EACH_PROCESS, ...WORKER_SETTINGS.filter(areValues)],
};

/** Secrets that roles read, which are keys of the Secret. */
export const SECRET_SETTINGS: readonly SettingName[] = [...ROLE_SETTINGS, ...GATEWAY_SETTINGS, ...WORKER_SETTINGS].filter(isSecret);

export function settingsSchema(names: readonly SettingName[]): JsonSchema {
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(names.map((name) => [name, settingSchema(name)])) };
}

/** Only what the form says in figures. The process itself knows the rest. */
function settingSchema(name: SettingName): JsonSchema {
  const { form } = SETTINGS[name];
  const [, minimum, maximum] = /^Whole number from (\d+) to (\d+)/.exec(form) ?? [];
  if (minimum !== undefined) return { type: 'integer', minimum: Number(minimum), maximum: Number(maximum) };
  const [, words] = /^One of (.*)$/.exec(form) ?? [];
  if (words !== undefined) return { enum: words.split(', ') };
  // YAML reads a bare `on` as true. The template writes `on` again.
  if (form === 'on or off') return { enum: ['on', 'off', true, false] };
  return { type: 'string' };
}
