/**
 * Every setting, named once: its value, its default, who reads it, what it does and when to change
 * it. The parsing (settings.ts), `.env.template` and the table in the documents
 * (settings-document.ts) all come from here.
 */

import type { z } from 'zod';
import type { Reader, Setting, SettingSection } from './setting.ts';
import { ADDRESS_LIMIT_SETTINGS, TENANT_LIMIT_SETTINGS } from './settings-limits.ts';
import { METRICS_SETTINGS } from './settings-metrics.ts';
import { ADDRESS_SETTINGS, PROXY_SETTINGS } from './settings-network.ts';
import { PROCESS_SETTINGS, REDIS_SETTINGS, SECRET_SETTINGS } from './settings-process.ts';
import {
  AUDIT_SETTINGS,
  CAPACITY_SETTINGS,
  INSTANCE_SETTINGS,
  POLLING_SETTINGS,
  PROVIDER_SETTINGS,
  SIMULATOR_SETTINGS,
} from './settings-work.ts';

/** As the documents show them. */
export const SETTING_SECTIONS: readonly SettingSection[] = [
  { title: 'Process', settings: PROCESS_SETTINGS },
  { title: 'Redis', settings: REDIS_SETTINGS },
  { title: 'Secrets', settings: SECRET_SETTINGS },
  { title: 'Addresses', settings: ADDRESS_SETTINGS },
  { title: 'Proxies for outgoing requests', settings: PROXY_SETTINGS },
  { title: 'Polling and codes', settings: POLLING_SETTINGS },
  { title: 'Capacity', settings: CAPACITY_SETTINGS },
  {
    title: 'Limits of a tenant',
    intro: 'They count over all gateways, for tenants whose own `limits` do not say otherwise. 0 allows none.',
    settings: TENANT_LIMIT_SETTINGS,
  },
  { title: 'Limits of an address', settings: ADDRESS_LIMIT_SETTINGS },
  { title: 'Requests to the provider', settings: PROVIDER_SETTINGS },
  { title: 'Audit log', settings: AUDIT_SETTINGS },
  { title: 'Metrics', settings: METRICS_SETTINGS },
  { title: 'A real instance for `start`', settings: INSTANCE_SETTINGS },
  { title: 'The simulator', settings: SIMULATOR_SETTINGS },
];

/**
 * What `readSettings` can read: the settings of all programs but the simulator, which reads its
 * own.
 */
export const SETTINGS = {
  ...PROCESS_SETTINGS,
  ...REDIS_SETTINGS,
  ...SECRET_SETTINGS,
  ...ADDRESS_SETTINGS,
  ...PROXY_SETTINGS,
  ...POLLING_SETTINGS,
  ...CAPACITY_SETTINGS,
  ...TENANT_LIMIT_SETTINGS,
  ...ADDRESS_LIMIT_SETTINGS,
  ...PROVIDER_SETTINGS,
  ...AUDIT_SETTINGS,
  ...METRICS_SETTINGS,
  ...INSTANCE_SETTINGS,
} as const;

export type SettingName = keyof typeof SETTINGS;

/** Whether a setting may also be in a file that `NAME_FILE` names. */
export const isSecret = (name: SettingName): boolean => (SETTINGS[name] as Setting).isSecret === true;
export type Settings<Name extends SettingName> = { readonly [N in Name]: z.output<(typeof SETTINGS)[N]['schema']> };

type ReadBy<R extends Reader> = {
  [N in SettingName]: R extends (typeof SETTINGS)[N]['readBy'][number] ? N : never;
}[SettingName];

const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]; // the table's own
const isReadBy = (name: SettingName, reader: Reader): boolean => (SETTINGS[name].readBy as readonly Reader[]).includes(reader);
const namesWhere = <Name extends SettingName>(isIncluded: (name: SettingName) => boolean): readonly Name[] =>
  SETTING_NAMES.filter(isIncluded) as Name[]; // the condition and the type say the same

/** What both a gateway and a worker read. */
export const ROLE_SETTINGS = namesWhere<Extract<ReadBy<'gateway'>, ReadBy<'worker'>>>(
  (name) => isReadBy(name, 'gateway') && isReadBy(name, 'worker'),
);

/** What only a gateway reads. */
export const GATEWAY_SETTINGS = namesWhere<Exclude<ReadBy<'gateway'>, ReadBy<'worker'>>>(
  (name) => isReadBy(name, 'gateway') && !isReadBy(name, 'worker'),
);

/** What only a worker reads. */
export const WORKER_SETTINGS = namesWhere<Exclude<ReadBy<'worker'>, ReadBy<'gateway'>>>(
  (name) => isReadBy(name, 'worker') && !isReadBy(name, 'gateway'),
);
