/** Counts the steps of logins, and the life of codes, as changes are stored. */

import { ATTEMPT_STEPS, codelessAfterMs, stepsTaken } from '@qrcast/core/attempt-progress';
import type { Code, Session } from '@qrcast/core/session';
import type { Meters } from '../metrics/meters.ts';
import { ATTEMPT_ENDS } from '../metrics/metrics-shared.ts';
import type { CountSteps } from '../statistics/statistics.ts';

/** Codes of one messenger only, until another provider is added. */
const MESSENGER = 'max';

export interface ChangeCountDeps {
  readonly meters: Meters;
  /** Told of the same steps. */
  readonly countSteps?: CountSteps | undefined;
}

/** Call what it returns once for each change that this process has stored. `at`: of its event, Unix ms. */
export function createChangeCount({ meters, countSteps }: ChangeCountDeps): (before: Session, after: Session, at: number) => void {
  const firstCode = meters.histogram('qrcast_time_to_first_code_seconds', {});
  const noCodeNeeded = meters.histogram('qrcast_no_code_needed_seconds', {});
  const scanToConnected = meters.histogram('qrcast_scan_to_connected_seconds', {});
  const codesPerLogin = meters.histogram('qrcast_codes_per_login', {});
  const codeLifetime = meters.histogram('qrcast_code_lifetime_seconds', {});
  beginAtZero(meters);

  function measureSteps(before: Session, after: Session, at: number): void {
    const tenant = meters.tenantLabel(after.tenantId);
    const steps = stepsTaken(before, after, at);
    countSteps?.(after.tenantId, steps, at);
    for (const { step, reason = '', tookMs } of steps) {
      meters.counter('qrcast_attempt_steps_total', { step, reason, tenant }).add();
      if (step === 'watched') meters.counter('qrcast_attempts_total', { messenger: MESSENGER, tenant }).add();
      if (step === 'connected') codesPerLogin.observe(after.codes);
      if (tookMs === undefined) continue;
      if (step === 'code_shown') firstCode.observe(tookMs / 1_000);
      if (step === 'connected') scanToConnected.observe(tookMs / 1_000);
    }
  }

  return (before, after, at) => {
    measureSteps(before, after, at);
    const codelessMs = codelessAfterMs(before, after, at);
    if (codelessMs !== null) noCodeNeeded.observe(codelessMs / 1_000);
    const [old, next] = [codeOf(before), codeOf(after)];
    if (old !== null && next !== null && isAnother(old, next)) codeLifetime.observe((next.issuedAt - old.issuedAt) / 1_000);
  };
}

/** So that Prometheus sees the first of each as growth. */
function beginAtZero(meters: Meters): void {
  meters.counter('qrcast_attempts_total', { messenger: MESSENGER, tenant: '' });
  for (const step of ATTEMPT_STEPS) {
    for (const reason of step === 'ended' ? ATTEMPT_ENDS : ['']) meters.counter('qrcast_attempt_steps_total', { step, reason, tenant: '' });
  }
}

const codeOf = ({ state }: Session): Code | null => (state.kind === 'showing' ? state.code : null);

/** Two pictures may say the same. What neither says is not compared. */
const isAnother = (old: Code, next: Code): boolean => old.text !== null && next.text !== null && old.text !== next.text;
