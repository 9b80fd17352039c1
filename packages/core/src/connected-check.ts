/**
 * When a connected instance is checked by the provider's state method, and what an answer means.
 * Only tenants with `checkConnectedEvery` have such checks. Pure: the caller passes the time.
 *
 * Each instance has one moment in every interval, which follows from its name. So the checks of
 * many instances are spread evenly, whenever these connected and whenever a worker started. A
 * moment that passed while no worker ran is skipped.
 */

import { type ConnectedInstance, judgeLoss, type LossState, type LossVerdict } from './connected-instance.ts';
import { fnv1a } from './fnv1a.ts';
import type { Outcome } from './outcome.ts';
import { REFUSALS_UNTIL_END } from './schedule.ts';

export const MAX_CHECK_EVERY_MINUTES = 10_080;
/** A check that could not start within this time is skipped. */
export const CHECK_LATE_MS = 60_000;

/** The instance's first moment after `after`, Unix ms. */
export function nextCheckAt({ tenantId, instanceId }: { tenantId: string; instanceId: string }, everyMs: number, after: number): number {
  const phase = Math.floor(fractionOf(`${tenantId}|${instanceId}`) * everyMs);
  return Math.floor((after - phase) / everyMs) * everyMs + everyMs + phase;
}

/**
 * Spreads names evenly over [0, 1). The last steps of MurmurHash3 carry the last digits of an id
 * into the upper bits.
 */
function fractionOf(name: string): number {
  let hash = fnv1a(name);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

export type CheckVerdict =
  | { readonly kind: Exclude<LossVerdict, 'nothing'>; readonly state: LossState }
  /** The provider has refused the credentials again. They will not work any more. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'kept'; readonly record: ConnectedInstance };

/**
 * Judges the answer to a check that started at `startedAt` (Unix ms). Trouble, a restart and a
 * wanted password say nothing of the account.
 */
export function judgeCheck(record: ConnectedInstance, outcome: Outcome, startedAt: number, now: number): CheckVerdict {
  const state = stateOf(outcome);
  if (state !== null) {
    const verdict = judgeLoss(record, { state, at: startedAt, by: 'check' }, now);
    return verdict === 'nothing' ? { kind: 'kept', record } : { kind: verdict, state };
  }
  if (outcome.kind === 'refused') {
    const refusals = record.refusals + 1;
    return refusals >= REFUSALS_UNTIL_END ? { kind: 'refused', reason: outcome.reason } : { kind: 'kept', record: { ...record, refusals } };
  }
  if (outcome.kind !== 'authorized') return { kind: 'kept', record };
  // The account is still linked. So a logout of ours has failed, unless it was asked for after the
  // check began.
  const ownLogoutAt = record.ownLogoutAt !== null && startedAt <= record.ownLogoutAt ? record.ownLogoutAt : null;
  const isUsual = record.refusals === 0 && record.ownLogoutAt === ownLogoutAt;
  return { kind: 'kept', record: isUsual ? record : { ...record, refusals: 0, ownLogoutAt } };
}

function stateOf(outcome: Outcome): LossState | null {
  if (outcome.kind === 'notAuthorized') return 'notAuthorized';
  return outcome.kind === 'refused' && outcome.reason === 'instance_blocked' ? 'blocked' : null;
}
