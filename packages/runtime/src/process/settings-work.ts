/**
 * The settings of polling, capacity, requests to the provider, the audit log, and of instances to
 * try.
 */

import { API_TOKEN, INSTANCE_ID } from '@qrcast/core/credential-forms';
import { DEFAULT_POLICY, MIN_SPACING_MS } from '@qrcast/core/schedule';
import { z } from 'zod';
import { DEFAULT_AUDIT_LIMITS } from '../audit/audit-log.ts';
import { DAY_MS, EVERY_PROGRAM, EVERY_ROLE, GATEWAYS, HOUR_MS, type Setting, START, WORKERS, whole } from './setting.ts';

export const POLLING_SETTINGS = {
  QRCAST_POLL_INTERVAL_MS: {
    ...whole(MIN_SPACING_MS, HOUR_MS, 'ms', DEFAULT_POLICY.intervalMs),
    readBy: EVERY_PROGRAM,
    what:
      "The time between two polls of one instance. The minimum is the provider's limit of one request a second, which the instance's other " +
      'clients share.',
    change: 'Lower it only for instances that nobody else asks.',
  },
  QRCAST_CODE_TTL_MS: {
    ...whole(1_000, HOUR_MS, 'ms', DEFAULT_POLICY.codeTtlMs),
    readBy: EVERY_PROGRAM,
    what: 'How long a code may be shown after the provider last confirmed it. It must be above QRCAST_POLL_INTERVAL_MS.',
    change: 'Raise it together with the interval.',
  },
  QRCAST_ATTEMPT_MS: {
    ...whole(5_000, HOUR_MS, 'ms', DEFAULT_POLICY.attemptMs),
    readBy: EVERY_PROGRAM,
    what:
      'The longest that one attempt lasts. It then ends with `deadline` and can be resumed. ' + 'It must be above QRCAST_POLL_INTERVAL_MS.',
    change: 'Raise it with care: long polling has been seen to harm an instance.',
  },
  QRCAST_UNWATCHED_GRACE_MS: {
    ...whole(1_000, HOUR_MS, 'ms', 15_000),
    readBy: GATEWAYS,
    what:
      'How long a session counts as watched after its last viewer left, and how long the viewers of a gateway that died are still ' +
      'counted. After that, an attempt that showed a code is polled once in three intervals until its deadline. Any other is not polled.',
    change: 'Raise it when viewers long-poll with longer pauses.',
  },
} as const satisfies Record<string, Setting>;

export const CAPACITY_SETTINGS = {
  QRCAST_MAX_CONNECTIONS: {
    ...whole(1, 1_000_000, 'connections', 20_000),
    readBy: GATEWAYS,
    what:
      'How many viewers with a good ticket one gateway serves at once, over all transports; more are refused. Up to 4,000 connections come ' +
      'on top: those that have not shown a ticket yet, and plain HTTP calls.',
    change: 'Raise it with memory and the limit of open files.',
  },
  QRCAST_CONNECTS_PER_SECOND: {
    ...whole(1, 1_000_000, 'connects', 500),
    readBy: GATEWAYS,
    what:
      'How many streams and held requests may begin in a second at one gateway, over all transports; fewer while its core is busy, down ' +
      'to a tenth. The rest is answered 503 and returns after 1 to 5 s. Those that are connected are served meanwhile, and so are the ' +
      'other calls.',
    change: 'Raise it for many viewers that long-poll: each request of theirs counts.',
  },
} as const satisfies Record<string, Setting>;

export const PROVIDER_SETTINGS = {
  QRCAST_WORKER_CONCURRENCY: {
    ...whole(1, 100_000, 'requests', 1_000),
    readBy: WORKERS,
    what: 'How many requests one worker has under way to the provider. A slow provider holds each for up to 65 s.',
    change: 'Raise it, or add workers, when polls come late.',
  },
  QRCAST_HOST_CONCURRENCY: {
    ...whole(1, 100_000, 'requests', 500),
    readBy: WORKERS,
    what:
      'How many of those requests go to one host at once. Viewers whose session has to wait see `rate_limited`. Tenants share these slots, ' +
      "as they share all of a worker's: a single one gets three quarters.",
    change: 'Raise it where one host serves many instances and holds requests for long.',
  },
} as const satisfies Record<string, Setting>;

export const AUDIT_SETTINGS = {
  QRCAST_AUDIT_ENTRIES: {
    ...whole(100, 10_000_000, 'entries', DEFAULT_AUDIT_LIMITS.entries),
    readBy: EVERY_ROLE,
    what:
      'How many entries of each tenant the audit log keeps, and ten times as many of all tenants together. ' +
      'An entry takes about 200 bytes of Redis and is kept twice.',
    change: 'Raise it where a tenant has more logins than that within QRCAST_AUDIT_DAYS.',
  },
  QRCAST_AUDIT_DAYS: {
    ...whole(1, 3_650, 'days', DEFAULT_AUDIT_LIMITS.keepMs / DAY_MS),
    readBy: EVERY_ROLE,
    what: "The longest that an entry of the audit log is kept. Entries hold callers' addresses.",
    change: 'Keep entries no longer than you need them.',
  },
} as const satisfies Record<string, Setting>;

export const INSTANCE_SETTINGS = {
  GREEN_API_ID_INSTANCE: {
    schema: z.string().regex(INSTANCE_ID, 'expected 4 to 20 digits').optional(),
    form: '4 to 20 digits',
    default: null,
    readBy: START,
    what: "The provider's idInstance. With it and GREEN_API_TOKEN, `start` polls the real provider and shows the code in the terminal.",
    change: 'Set both or neither. Without them `start` polls a simulated instance.',
  },
  GREEN_API_TOKEN: {
    schema: z.string().regex(API_TOKEN, 'expected 8 to 256 characters of A-Z a-z 0-9 _ -').optional(),
    form: '8 to 256 of A-Z a-z 0-9 _ -',
    default: null,
    readBy: START,
    isSecret: true,
    what: "The provider's apiTokenInstance.",
    change: 'Set it together with GREEN_API_ID_INSTANCE.',
  },
  GREEN_API_URL: {
    schema: z.string().max(256).optional(),
    form: 'Up to 256 characters',
    default: 'https://<first four digits of the id>.api.green-api.com',
    example: '',
    readBy: START,
    what: "The URL of that instance's provider host.",
    change: "Set it where the provider's console shows another apiUrl.",
  },
} as const satisfies Record<string, Setting>;

/** Read by the simulator itself, which imports nothing of this package. */
export const SIMULATOR_SETTINGS = {
  SIMULATOR_PORT: {
    ...whole(0, 65_535, 'a TCP port', 4000),
    readBy: ['simulator'],
    what: 'The port of the simulator as a process of its own (`npx -y pnpm@12 simulator`); 0 takes a free one.',
    change: 'Change it when the port is taken.',
  },
} as const satisfies Record<string, Setting>;
