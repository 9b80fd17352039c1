/**
 * Judges a host of the provider by its last answers to all tenants: `fine`, `slow` or `down`. Pure:
 * the caller counts the answers of a stretch of time, and keeps the state from one to the next.
 *
 * A state is entered at half of the answers and left below a quarter, so that a host on the edge does
 * not go to and fro. A few answers change nothing, because one instance may be the cause.
 */

import { isFault } from './schedule.ts';
import type { Session } from './session.ts';

export const HOST_STATES = ['fine', 'slow', 'down'] as const;

export type HostState = (typeof HOST_STATES)[number];

export interface HostCounts {
  /** Requests that are over, with an answer or without. */
  readonly requests: number;
  /** Those that timed out, found nobody, or got an answer that cannot be used. */
  readonly failed: number;
  /** Those whose time tells how fast the host is. */
  readonly timed: number;
  /** Those of `timed` that took longer than `SLOW_SECONDS`. */
  readonly slow: number;
}

/** A host that is well answers in a fraction of a second. Must be one of `ANSWER_SECONDS` in weather.ts. */
export const SLOW_SECONDS = 2.5;
/** Fewer requests than this are no evidence. */
const MANY = 5;
const ENTERED_AT = 1 / 2;
const LEFT_BELOW = 1 / 4;

/** @param before the state until now; `fine` for a host that is new */
export function judgeHost(before: HostState, { requests, failed, timed, slow }: HostCounts): HostState {
  if (requests === 0) return 'fine'; // nothing is known any more
  if (requests < MANY) return before;
  if (isOver(failed, requests, before === 'down')) return 'down';
  if (timed < MANY) return before === 'down' ? 'fine' : before;
  return isOver(slow, timed, before === 'slow') ? 'slow' : 'fine';
}

const isOver = (part: number, all: number, wasOver: boolean): boolean => part >= all * (wasOver ? LEFT_BELOW : ENTERED_AT);

/** The event by which a session has to be told of its host, or null. One that shows a code is told nothing. */
export function hostNews({ state }: Pick<Session, 'state'>, host: HostState): 'hostSlow' | 'hostFine' | null {
  if (state.kind !== 'waiting') return null;
  if (host === 'slow') return state.notice === null ? 'hostSlow' : null;
  return host === 'fine' && state.notice?.code === 'provider_slow' ? 'hostFine' : null;
}

/** The provider may hold a request for a minute while the instance has no code, so these say nothing of the host. */
const HELD: ReadonlySet<string> = new Set(['instance_starting', 'provider_not_ready']);

/** Whether the time of such an answer tells how fast the host is. @param outcome as in the metrics */
export const tellsSpeed = (outcome: string): boolean => !isFault(outcome) && !HELD.has(outcome);

/** One answer. @param outcome as in the metrics */
export function countsOfAnswer(outcome: string, tookMs: number): HostCounts {
  const isTimed = tellsSpeed(outcome);
  return {
    requests: 1,
    failed: isFault(outcome) ? 1 : 0,
    timed: isTimed ? 1 : 0,
    slow: isTimed && tookMs > SLOW_SECONDS * 1_000 ? 1 : 0,
  };
}

export const NO_ANSWERS: HostCounts = { requests: 0, failed: 0, timed: 0, slow: 0 };

export const addCounts = (a: HostCounts, b: HostCounts): HostCounts => ({
  requests: a.requests + b.requests,
  failed: a.failed + b.failed,
  timed: a.timed + b.timed,
  slow: a.slow + b.slow,
});
