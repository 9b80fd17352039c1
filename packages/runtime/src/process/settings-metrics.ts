/** The settings of the metrics. */

import { TENANT_ID } from '@qrcast/core/credential-forms';
import { EVERY_ROLE, listSchema, type Setting, wholeSchema } from './setting.ts';
import { machineKey } from './settings-process.ts';

export const METRICS_SETTINGS = {
  QRCAST_METRICS_PORT: {
    schema: wholeSchema(0, 65_535, 'a TCP port').optional(),
    form: 'Whole number from 0 to 65535 (a TCP port)',
    default: null,
    example: '9464',
    readBy: EVERY_ROLE,
    what:
      'The port at which this process serves `/metrics` for Prometheus; 0 takes a free one. Without QRCAST_METRICS_TOKEN it is served on ' +
      'the loopback address alone. Without this setting there are no metrics.',
    change: 'Set it on every process that Prometheus reads. Processes on one machine need different ports.',
  },
  QRCAST_METRICS_TOKEN: {
    schema: machineKey.optional(),
    form: 'At least 24 characters, made by a machine; repetition, counting and words of examples are refused',
    default: null,
    readBy: EVERY_ROLE,
    isSecret: true,
    what: 'What Prometheus must send as `Authorization: Bearer …`. With it the metrics are served on all addresses, IPv6 and IPv4.',
    change: 'Set it when Prometheus runs on another machine. Make one with `openssl rand -hex 24`.',
  },
  QRCAST_METRICS_TENANTS: {
    schema: listSchema((entry) => TENANT_ID.test(entry), 'the id of a tenant').default([]),
    form: 'Ids of tenants, separated by commas',
    default: '',
    example: 'acme,globex',
    readBy: EVERY_ROLE,
    what: 'Tenants that get a label of their own in the metrics of logins. All others count together. The first 100 count.',
    change: 'Set it to follow single tenants on a board.',
  },
} as const satisfies Record<string, Setting>;
