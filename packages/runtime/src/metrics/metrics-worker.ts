/** Metrics of a worker. */

import { CONNECTION_CAUSES } from '@qrcast/core/connection-cause';
import type { Outcome, RefusalReason, TroubleCode } from '@qrcast/core/outcome';
import { ANSWER_SECONDS } from '@qrcast/core/weather';
import type { Metric } from './metric.ts';

const WORKER = ['worker'] as const;

/** Tenants may name any host that `QRCAST_UPSTREAM_HOSTS` allows, by wildcards as well. */
const HOST = { atMost: 50, what: 'a host of the provider that has answered; `other` before' } as const;
type OutcomeName = Exclude<Outcome['kind'], 'trouble' | 'refused'> | TroubleCode | RefusalReason;
const OUTCOMES = Object.keys({
  code: true,
  authorized: true,
  notAuthorized: true,
  passwordWanted: true,
  suspended: true,
  loggedOut: true,
  instance_starting: true,
  provider_not_ready: true,
  provider_timeout: true,
  provider_refused: true,
  provider_unreachable: true,
  provider_error: true,
  rate_limited: true,
  credentials_rejected: true,
  instance_deleted: true,
  instance_expired: true,
  instance_blocked: true,
} satisfies Record<OutcomeName, true>);

export const WORKER_METRICS = {
  qrcast_poll_lateness_seconds: {
    type: 'histogram',
    help: 'How long after it was due a poll was begun.',
    labels: {},
    of: WORKER,
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 0.7, 1, 2.5, 5, 10, 30],
  },
  qrcast_poll_seconds: {
    type: 'histogram',
    help: 'From a request to the provider to its whole answer. The provider may hold a request for a code for a minute.',
    labels: { outcome: OUTCOMES, host: HOST },
    of: WORKER,
    buckets: ANSWER_SECONDS,
  },
  qrcast_polls_inflight: { type: 'gauge', help: 'Requests to the provider under way.', labels: { host: HOST }, of: WORKER },
  qrcast_polls_limit: {
    type: 'gauge',
    help: 'How many there may be, to all hosts together (`QRCAST_WORKER_CONCURRENCY`). If as many are under way, polls wait.',
    labels: {},
    of: WORKER,
  },
  qrcast_tick_age_seconds: {
    type: 'gauge',
    help: 'How long ago this worker last looked for what is due, or heard that another one does. More than 15 s means that it is stuck. Left out while it drains.',
    labels: {},
    of: WORKER,
    combine: 'max',
  },
  qrcast_waiting_sessions: {
    type: 'gauge',
    help: 'Sessions in the schedule of the polls. Each worker says it of the whole installation, so take the maximum.',
    labels: {},
    of: WORKER,
    combine: 'max',
  },
  qrcast_provider_answers_total: {
    type: 'counter',
    help: 'Answers of the provider, also that none came, by method.',
    labels: { method: ['qr', 'state', 'account', 'logout'], outcome: OUTCOMES },
    of: WORKER,
  },
  qrcast_provider_retry_after_seconds: {
    type: 'histogram',
    help: 'How long the provider asked to wait.',
    labels: {},
    of: WORKER,
    buckets: [1, 5, 15, 30, 60, 300, 3_600],
  },
  qrcast_code_decode_seconds: {
    type: 'histogram',
    help: 'How long a picture took to be read, on the thread that reads them.',
    labels: {},
    of: WORKER,
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
  },
  qrcast_code_lifetime_seconds: {
    type: 'histogram',
    help: 'How long the provider gave the same code, from the first poll that brought it to the first that brought another.',
    labels: {},
    of: WORKER,
    buckets: [5, 10, 15, 20, 25, 30, 45, 60, 90, 120],
  },
  qrcast_callbacks_total: {
    type: 'counter',
    help: "Tries to send a callback, or a relayed notification, to a tenant's server. After `retried` comes another one; `failed` is given up.",
    labels: { type: { atMost: 20, what: 'the type of the callback, or `notification`' }, outcome: ['delivered', 'retried', 'failed'] },
    of: WORKER,
  },
  qrcast_callback_faults_total: {
    type: 'counter',
    help: 'Tries that got no answer, by cause. A tenant sees the same word in its list of callbacks.',
    labels: { cause: [...Object.keys(CONNECTION_CAUSES), 'address_not_allowed', 'not_configured'] },
    of: WORKER,
  },
  qrcast_callback_age_seconds: {
    type: 'histogram',
    help: 'How old a callback was when it was delivered or given up.',
    labels: {},
    of: WORKER,
    buckets: [0.1, 0.5, 1, 5, 30, 60, 300, 600, 3_600, 21_600, 86_400],
  },
  qrcast_outbox_marks: {
    type: 'gauge',
    help: 'Sessions and callbacks with something still to be sent. Each worker says it of the whole installation, so take the maximum.',
    labels: {},
    of: WORKER,
    combine: 'max',
  },
} as const satisfies Record<string, Metric>;

export const BULLMQ_METRICS = {
  bullmq_job_count: {
    type: 'gauge',
    help: 'Jobs of the whole installation. Each worker says it, so take the maximum.',
    labels: { queue: { atMost: 10, what: 'the queue' }, state: ['waiting', 'active', 'delayed', 'prioritized', 'failed', 'completed'] },
    of: WORKER,
    combine: 'max',
  },
  bullmq_job_completed_total: {
    type: 'counter',
    help: 'Jobs that this worker has completed.',
    labels: { queue: { atMost: 10, what: 'the queue' } },
    of: WORKER,
  },
  bullmq_job_failed_total: {
    type: 'counter',
    help: 'Jobs of this worker that have failed.',
    labels: { queue: { atMost: 10, what: 'the queue' } },
    of: WORKER,
  },
} as const satisfies Record<string, Metric>;
