/** The timeline of a session as a line of time: which state it was in, and when the provider answered. Pure. */

import type { Timeline, TimelineEntry } from '@qrcast/core/timeline';

export type Change = Extract<TimelineEntry, { readonly kind: 'change' }>;

export interface TimeLine {
  readonly startedAt: number;
  readonly spanMs: number;
  /** From 0 to 1. */
  readonly stretches: readonly { readonly from: number; readonly to: number; readonly tone: string }[];
  readonly answers: readonly number[];
  readonly lastState: string | null;
}

export function timeLineOf({ entries }: Pick<Timeline, 'entries'>): TimeLine {
  const changes = entries.filter((entry): entry is Change => entry.kind === 'change');
  const startedAt = entries[0]?.at ?? 0;
  const spanMs = Math.max(1, (entries.at(-1)?.at ?? 0) - startedAt);
  const place = (at: number): number => (at - startedAt) / spanMs;
  return {
    startedAt,
    spanMs,
    stretches: changes.map(({ at, state }, i) => ({ from: place(at), to: place(changes[i + 1]?.at ?? startedAt + spanMs), tone: state })),
    answers: changes.flatMap(({ at, cause, tookMs }) => (cause === 'answered' && tookMs !== null ? place(at) : [])),
    lastState: changes.at(-1)?.state ?? null,
  };
}
