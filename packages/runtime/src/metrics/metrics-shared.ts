/** Metrics that both roles have: the steps of logins, Redis, and the process. */

import { ATTEMPT_STEPS, type AttemptEnd } from '@qrcast/core/attempt-progress';
import { FIRST_CODE_SECONDS } from '@qrcast/core/statistics';
import type { Metric } from './metric.ts';

const BOTH = ['gateway', 'worker'] as const;

const TENANT = { atMost: 100, what: 'a tenant that `QRCAST_METRICS_TENANTS` names; left out for all others' } as const;

export const ATTEMPT_ENDS = Object.keys({
  unwatched: true,
  deadline: true,
  provider_down: true,
  cancelled: true,
  account_mismatch: true,
  expired: true,
  credentials_rejected: true,
  instance_deleted: true,
  instance_expired: true,
  instance_blocked: true,
} satisfies Record<AttemptEnd, true>);

export const LOGIN_METRICS = {
  qrcast_attempts_total: {
    type: 'counter',
    help: 'Attempts that have begun.',
    labels: { messenger: ['max'], tenant: TENANT },
    of: BOTH,
  },
  qrcast_attempt_steps_total: {
    type: 'counter',
    help: 'Steps that attempts have come to. `ended` has the reason; `unwatched` means that nobody looked any more.',
    labels: { step: ATTEMPT_STEPS, reason: ATTEMPT_ENDS, tenant: TENANT },
    of: BOTH,
  },
  qrcast_time_to_first_code_seconds: {
    type: 'histogram',
    help: 'From the beginning of an attempt to its first code.',
    labels: {},
    of: BOTH,
    buckets: FIRST_CODE_SECONDS,
  },
  qrcast_no_code_needed_seconds: {
    type: 'histogram',
    help: 'From the beginning of an attempt that has shown no code to its password, login or end: of an instance that is linked already, or of credentials that are refused. It needs no code from then on.',
    labels: {},
    of: BOTH,
    buckets: FIRST_CODE_SECONDS,
  },
  qrcast_scan_to_connected_seconds: {
    type: 'histogram',
    help: 'From the first sign of a scan to the login. An attempt whose scan nobody saw is left out.',
    labels: {},
    of: BOTH,
    buckets: [0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300],
  },
  qrcast_codes_per_login: {
    type: 'histogram',
    help: 'Codes that an attempt had shown when it was logged in.',
    labels: {},
    of: BOTH,
    buckets: [0, 1, 2, 3, 4, 6, 9],
  },
} as const satisfies Record<string, Metric>;

export const REDIS_METRICS = {
  qrcast_redis_command_seconds: {
    type: 'histogram',
    help: "From a command to its answer, by command. A Lua script counts by its name, and one of BullMQ as `bullmq`. What BullMQ's workers send is left out.",
    labels: { command: { atMost: 100, what: 'a command in small letters, or a script of qrcast' } },
    of: BOTH,
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
  },
  qrcast_redis_writable: {
    type: 'gauge',
    help: '1 if Redis accepts writes, 0 if it refuses them (`OOM`, `MISCONF`, `READONLY`). Left out while it cannot be reached.',
    labels: {},
    of: BOTH,
    combine: 'min',
  },
  qrcast_bus_messages_total: { type: 'counter', help: 'Messages that came over Redis pub/sub.', labels: {}, of: BOTH },
  qrcast_bus_probe_seconds: {
    type: 'histogram',
    help: 'From a message that the process published to itself until it came back.',
    labels: {},
    of: BOTH,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
  },
  qrcast_bus_reconnects_total: {
    type: 'counter',
    help: 'Connections to Redis that were lost, by what was known of it.',
    labels: {
      role: ['commands', 'producer', 'subscriber', 'queue', 'blocking'],
      reason: { atMost: 30, what: 'a word of Redis (`READONLY`), of the system (`ECONNREFUSED`), or of qrcast (`no answer`)' },
    },
    of: BOTH,
  },
} as const satisfies Record<string, Metric>;

export const PROCESS_METRICS = {
  qrcast_build_info: {
    type: 'gauge',
    help: 'Always 1.',
    labels: { version: { atMost: 1, what: 'of qrcast' }, node: { atMost: 1, what: 'the version of Node' } },
    of: BOTH,
  },
  qrcast_ready: {
    type: 'gauge',
    help: '1 if the process can do its work, else 0. Left out while it starts and drains.',
    labels: { role: BOTH },
    of: BOTH,
  },
} as const satisfies Record<string, Metric>;
