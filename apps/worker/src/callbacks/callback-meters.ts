/** Counts the tries to send callbacks and relayed notifications. */

import { callbackTypeSchema } from '@qrcast/core/callback';
import type { Meters } from '@qrcast/runtime/metrics/meters';
import { METRICS } from '@qrcast/runtime/metrics/metric-table';

const { outcome: OUTCOMES } = METRICS.qrcast_callbacks_total.labels;
export type SendOutcome = (typeof OUTCOMES)[number];

export interface CallbackMeters {
  /** `type`: of the callback. `ageMs`: since it was made. */
  tried(type: string, outcome: SendOutcome, ageMs: number): void;
  /** A try got no answer. */
  unanswered(cause: string): void;
}

/** What a relayed notification counts as. */
export const RELAYED = 'notification';

export function createCallbackMeters(meters: Meters): CallbackMeters {
  const age = meters.histogram('qrcast_callback_age_seconds', {});
  beginAtZero(meters);
  return {
    unanswered: (cause) => meters.counter('qrcast_callback_faults_total', { cause }).add(),
    tried(type, outcome, ageMs) {
      meters.counter('qrcast_callbacks_total', { type, outcome }).add();
      if (outcome !== 'retried') age.observe(Math.max(0, ageMs) / 1_000);
    },
  };
}

/** So that Prometheus sees the first try of each kind as growth. */
function beginAtZero(meters: Meters): void {
  for (const type of [...callbackTypeSchema.options, RELAYED]) {
    for (const outcome of OUTCOMES) meters.counter('qrcast_callbacks_total', { type, outcome });
  }
}
