/** What the charts of the logins show, worked out of the statistics. Pure. */

import type { Statistics } from '@qrcast/core/statistics';
import type { Step } from './texts.ts';

export interface FunnelStep {
  readonly step: Step;
  readonly count: number;
  /** Of those who opened it, from 0 to 1. */
  readonly share: number;
}

export interface Slot {
  readonly startsAt: number;
  readonly attempts: number;
  readonly logins: number;
}

export interface TookSlot {
  /** Seconds; null for longer than the last bound. */
  readonly bound: number | null;
  readonly count: number;
}

export interface LoginFigures {
  readonly attempts: number;
  readonly funnel: readonly FunnelStep[];
  readonly slots: readonly Slot[];
  readonly firstCode: readonly TookSlot[];
  /** Of the first codes, from 0 to 1; null if there were none. */
  readonly withinSecond: number | null;
  /** The most frequent first. */
  readonly ends: readonly { readonly reason: string; readonly count: number }[];
}

const STEPS: readonly Step[] = ['watched', 'code_shown', 'scanned', 'password', 'connected'];
/** A week has 28 columns instead of 168. */
const HOURS_OF_LONG_SLOT = 6;
const SHORT_SPAN_HOURS = 48;

export function loginFigures({ hours, firstCodeBounds }: Statistics): LoginFigures {
  const counts = STEPS.map((step) => [step, sum(hours.map(({ steps }) => steps[step]))] as const);
  const most = Math.max(...counts.map(([, count]) => count), 1);
  const opened = counts[0]?.[1] || most; // attempts that began before the span have later steps only
  const firstCode = [...firstCodeBounds, null].map((bound, i) => ({ bound, count: sum(hours.map((hour) => hour.firstCode[i] ?? 0)) }));
  const allFirst = sum(firstCode.map(({ count }) => count));
  return {
    attempts: sum(hours.map(({ attempts }) => attempts)),
    funnel: counts.map(([step, count]) => ({ step, count, share: Math.min(1, count / opened) })),
    slots: slotsOf(hours),
    firstCode,
    withinSecond: allFirst === 0 ? null : sum(firstCode.map(({ bound, count }) => (bound !== null && bound <= 1 ? count : 0))) / allFirst,
    ends: endsOf(hours),
  };
}

function slotsOf(hours: Statistics['hours']): readonly Slot[] {
  const size = hours.length > SHORT_SPAN_HOURS ? HOURS_OF_LONG_SLOT : 1;
  const slots = Array.from({ length: Math.ceil(hours.length / size) }, (_, i) => hours.slice(i * size, (i + 1) * size));
  return slots.map((part) => ({
    startsAt: part[0]?.startsAt ?? 0,
    attempts: sum(part.map(({ attempts }) => attempts)),
    logins: sum(part.map(({ steps }) => steps.connected)),
  }));
}

function endsOf(hours: Statistics['hours']): LoginFigures['ends'] {
  const counts = new Map<string, number>();
  for (const { ends } of hours) for (const [reason, count] of Object.entries(ends)) counts.set(reason, (counts.get(reason) ?? 0) + count);
  return [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
