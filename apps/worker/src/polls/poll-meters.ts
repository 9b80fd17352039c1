/** Counts the requests of polls, and what came of them. */

import type { Outcome, PollMethod } from '@qrcast/core/outcome';
import type { Meters } from '@qrcast/runtime/metrics/meters';
import { OTHER } from '@qrcast/runtime/metrics/metric';
import { METRICS } from '@qrcast/runtime/metrics/metric-table';
import type { CountAnswer } from '@qrcast/runtime/statistics/weather';
import type { HostSpeeds } from './host-speeds.ts';

export interface PollMeters {
  /** `lateMs`: how long after its due time the poll was claimed. */
  begun(lateMs: number): void;
  /** Sends the request, and counts its answer. @param apiUrl of the provider */
  measure(apiUrl: string, method: PollMethod, request: () => Promise<Outcome>): Promise<Outcome>;
}

/** As many as the label may have. */
const MAX_HOSTS = METRICS.qrcast_poll_seconds.labels.host.atMost;
const { method: METHODS, outcome: OUTCOMES } = METRICS.qrcast_provider_answers_total.labels;

export interface PollMetersDeps {
  readonly meters: Meters;
  /** How many requests may be under way. */
  readonly concurrency: number;
  /** For the weather. */
  readonly countAnswer: CountAnswer;
  readonly hostSpeeds: Pick<HostSpeeds, 'note'>;
}

export function createPollMeters({ meters, concurrency, countAnswer, hostSpeeds }: PollMetersDeps): PollMeters {
  const lateness = meters.histogram('qrcast_poll_lateness_seconds', {});
  const retryAfter = meters.histogram('qrcast_provider_retry_after_seconds', {});
  meters.gauge('qrcast_polls_limit', () => concurrency);
  beginAtZero(meters);

  /** Tenants can name hosts that do not exist, and each label is kept for ever. */
  const answered = new Set<string>();
  const labelOf = (host: string): string => (answered.has(host) ? host : OTHER);

  function count(host: string, method: PollMethod, outcome: Outcome, tookMs: number): void {
    const name = outcomeName(outcome);
    const isAnswer = outcome.kind !== 'trouble' || outcome.isUnanswered !== true;
    if (isAnswer && answered.size < MAX_HOSTS) answered.add(host);
    meters.histogram('qrcast_poll_seconds', { outcome: name, host: labelOf(host) }).observe(tookMs / 1_000);
    meters.counter('qrcast_provider_answers_total', { method, outcome: name }).add();
    countAnswer(labelOf(host), name, tookMs);
    hostSpeeds.note(host, name, tookMs);
    if (outcome.kind === 'trouble' && outcome.retryAfterMs !== undefined) retryAfter.observe(outcome.retryAfterMs / 1_000);
  }

  return {
    begun: (lateMs) => lateness.observe(Math.max(0, lateMs) / 1_000),
    async measure(apiUrl, method, request) {
      const host = hostOf(apiUrl);
      const underWay = meters.level('qrcast_polls_inflight', { host: labelOf(host) });
      const sentAt = performance.now();
      underWay.up();
      try {
        const outcome = await request();
        count(host, method, outcome, performance.now() - sentAt);
        return outcome;
      } finally {
        underWay.down();
      }
    },
  };
}

/** So that Prometheus sees the first answer of each kind as growth. */
function beginAtZero(meters: Meters): void {
  for (const method of METHODS) for (const outcome of OUTCOMES) meters.counter('qrcast_provider_answers_total', { method, outcome });
}

/** Without the scheme: `1101.api.green-api.com`. An address of a tenant holds no path (upstream.ts in core). */
export const hostOf = (apiUrl: string): string => apiUrl.slice(apiUrl.indexOf('//') + 2);

export function outcomeName(outcome: Outcome): string {
  if (outcome.kind === 'trouble') return outcome.code;
  return outcome.kind === 'refused' ? outcome.reason : outcome.kind;
}
