/** The rows of `qrcast top`: which comes first, and what stands in it. Pure. */

import type { TableColumn } from '../table.ts';
import { printable } from '../terminal-text.ts';
import type { Overview, OverviewSession } from './overview.ts';

interface Column extends TableColumn {
  readonly cellOf: (session: OverviewSession, now: number) => string;
}

export interface ShownRow {
  readonly kind: RowKind;
  readonly cells: readonly string[];
}

/** What decides the place and the colour of a row. */
export type RowKind = (typeof KINDS)[number];

/** The most interesting first. */
const KINDS = ['notice', 'password', 'showing', 'waiting', 'idle', 'connected', 'ended'] as const;

const NONE = '-';

const COLUMNS: readonly Column[] = [
  { title: 'STATE', leftOut: 0, cellOf: ({ state }) => state },
  { title: 'AGE', leftOut: 1, cellOf: ({ startedAt }, now) => spanText(now - startedAt) },
  { title: 'LEFT', leftOut: 6, cellOf: leftText },
  { title: 'INSTANCE', leftOut: 0, cellOf: ({ instanceId }) => instanceId },
  { title: 'NOTICE OR END', narrowest: 13, leftOut: 0, cellOf: troubleText },
  { title: 'VIEWERS', leftOut: 5, cellOf: ({ viewers }) => String(viewers) },
  { title: 'SESSION', leftOut: 4, cellOf: ({ id }) => id },
  { title: 'REFERENCE', narrowest: 9, leftOut: 3, cellOf: ({ reference }) => reference ?? NONE },
];
const TENANT: Column = { title: 'TENANT', narrowest: 8, leftOut: 2, cellOf: ({ tenantId }) => tenantId };

/** @param hasTenants whether the sessions are those of several tenants */
export function columnsOf(hasTenants: boolean): readonly Column[] {
  return hasTenants ? [...COLUMNS.slice(0, 3), TENANT, ...COLUMNS.slice(3)] : COLUMNS;
}

/**
 * @param now the gateway's clock, Unix ms
 * @param most how many rows have room
 */
export function rowsOf({ sessions }: Overview, columns: readonly Column[], now: number, most = sessions.size): ShownRow[] {
  const first = [...sessions.values()].toSorted(byInterest).slice(0, most);
  return first.map((session) => ({
    kind: kindOf(session),
    cells: columns.map(({ cellOf }) => cleaned(cellOf(session, now))),
  }));
}

/** @returns a line like "showing 3 · ended 9 · with a notice 1" */
export function countsText({ sessions, isCut }: Overview): string {
  const states = [...sessions.values()].map(({ state }) => state);
  const parts = KINDS.flatMap((kind) => {
    const count = states.filter((state) => state === kind).length;
    return count === 0 ? [] : [`${kind} ${count}`];
  });
  const noticed = [...sessions.values()].filter(({ notice }) => notice !== null).length;
  if (noticed > 0) parts.push(`with a notice ${noticed}`);
  if (isCut) parts.push('others are left out');
  return parts.length === 0 ? 'There are no sessions.' : parts.join(' · ');
}

/** Of the same kind, the latest attempt first. */
function byInterest(one: OverviewSession, other: OverviewSession): number {
  const kinds = KINDS.indexOf(kindOf(one)) - KINDS.indexOf(kindOf(other));
  return kinds || other.startedAt - one.startedAt || (one.id < other.id ? -1 : 1);
}

function kindOf({ state, notice }: OverviewSession): RowKind {
  if (notice !== null) return 'notice';
  return KINDS.find((kind) => kind === state) ?? 'waiting'; // a state of a newer gateway
}

function troubleText({ notice, end }: OverviewSession, now: number): string {
  if (end !== null) return end.resumable ? `${end.reason} (resumable)` : end.reason;
  if (notice === null) return NONE;
  return notice.retryAt > now ? `${notice.code} (again in ${spanText(notice.retryAt - now)})` : notice.code;
}

/** Until the attempt ends by itself. */
function leftText({ state, deadlineAt }: OverviewSession, now: number): string {
  return state === 'idle' || state === 'connected' || state === 'ended' ? NONE : spanText(deadlineAt - now);
}

/** @returns a length of time in its largest unit, like "12s", "3m", "2h" or "1d" */
function spanText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A reference is any text of the tenant's. It must not break the line of the table either. */
const cleaned = (text: string): string => printable(text).replaceAll('\n', '?');
