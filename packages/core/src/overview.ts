/**
 * The sessions of one tenant, or of all, as a person looks at them to see what goes on: the live ones,
 * and those that ended lately. Nothing here holds a code, an account or a phone.
 *
 * A reading is what Redis held at one moment. `nextReading` keeps the object of each session that has
 * not changed, so that `overviewNews` finds the others without comparing their fields again.
 */

import { z } from 'zod';
import { inTurns, newestFirst } from './newest.ts';
import { reduce } from './reduce.ts';
import type { Policy } from './schedule.ts';
import { isTerminal, nextElapseAt, type Session } from './session.ts';
import { sessionStateSchema, toWire, wireSessionSchema } from './wire.ts';

/** The largest number of sessions in one reading. */
export const OVERVIEW_LENGTH = 200;
/** For how long a session that has ended is still shown. */
const SHOW_ENDED_MS = 3_600_000;

const { id, instanceId, reference, state, notice, end, viewers, startedAt, deadlineAt, expiresAt } = wireSessionSchema.shape;

export const overviewSessionSchema = z
  .object({
    id,
    tenantId: z.string().describe('Whose session it is'),
    instanceId,
    reference,
    version: z.number().int().positive().describe('The version of the last change. A renewal of the same code does not count here'),
    state,
    notice,
    end,
    viewers,
    createdAt: z.number().int().describe('When the session was created, Unix ms'),
    startedAt,
    deadlineAt,
    expiresAt,
  })
  .meta({ id: 'OverviewSession', description: 'A session without its code and its account' });

export type OverviewSession = Readonly<z.infer<typeof overviewSessionSchema>>;

export const overviewSchema = z
  .object({
    at: z.number().int().describe('When this was read, Unix ms'),
    isFirst: z.boolean().describe('Whether `sessions` are all that there are. Forget those that you have'),
    sessions: z.array(overviewSessionSchema).describe('Newest first: those that have changed, each as a whole'),
    gone: z.array(z.string()).describe('Ids of sessions that are no longer shown'),
    isCut: z.boolean().describe(`Whether there are others, which were left out because ${OVERVIEW_LENGTH} are shown at most`),
  })
  .meta({ id: 'Overview', description: 'The `data` of the event `sessions`: what has changed in the overview' });

export type Overview = Readonly<z.infer<typeof overviewSchema>>;

export const overviewListSchema = z
  .object({
    sessions: z.array(overviewSessionSchema).describe('Newest first'),
    nextCursor: z.string().nullable().describe('The `cursor` of the next page; null at the end of the list'),
  })
  .meta({ id: 'OverviewList' });

const tenantId = z.string().min(1).max(64).optional().describe('Only sessions of this tenant. Default: sessions of all tenants');

export const watchOverviewSchema = z.strictObject({ tenantId });

/** The `cursor` of a page: where its last session stands. */
export const CURSOR_FORM = /^(\d{1,15})-(ses_[\w-]{1,100})$/;

export const listAllSessionsSchema = z.strictObject({
  tenantId,
  state: sessionStateSchema.optional().describe('Only sessions in this state'),
  limit: z.coerce.number().int().min(1).max(100).default(20).describe('The largest number of sessions on one page'),
  cursor: z
    .string()
    .regex(CURSOR_FORM, 'expected the `nextCursor` of the previous page')
    .optional()
    .describe('The `nextCursor` of the previous page'),
});

export interface Reading {
  /** Unix ms. */
  readonly at: number;
  /** By their ids, newest first. */
  readonly sessions: ReadonlyMap<string, OverviewSession>;
  readonly isCut: boolean;
}

/**
 * The session as it is at `now` (Unix ms), although nobody has stored yet what time has changed. It has
 * the version that the change gets if it is stored in time.
 */
export function elapsedTo(policy: Policy, session: Session, now: number): Session {
  let current = session;
  for (let at = nextElapseAt(current); at <= now; at = nextElapseAt(current)) {
    const next = reduce(policy, current, { kind: 'elapsed', at });
    if (next === current) break;
    current = next;
  }
  return current;
}

/** Whether the session is live, or ended a short while ago. A version says when the change was made (renumber.ts). */
export function isInOverview(session: Pick<Session, 'state' | 'createdAt' | 'toldVersion'>, now: number): boolean {
  return !isTerminal(session) || now - (session.createdAt + session.toldVersion) < SHOW_ENDED_MS;
}

/**
 * Those that are shown if there are too many: live ones before ended ones, and of both a fair share of
 * each tenant. Newest first.
 */
export function cutOverview<Item extends Pick<Session, 'id' | 'tenantId' | 'createdAt' | 'state'>>(
  sessions: readonly Item[],
  count: number,
): readonly Item[] {
  const newest = sessions.toSorted(newestFirst);
  const live = newest.filter((session) => !isTerminal(session));
  const ended = newest.filter((session) => isTerminal(session));
  return [...inTurns(live), ...inTurns(ended)].slice(0, count).sort(newestFirst);
}

export function toOverviewSession(session: Session, viewersNow: number): OverviewSession {
  const wire = toWire(session, { image: null, viewers: viewersNow, now: 0, formats: [] });
  return {
    id: wire.id,
    tenantId: session.tenantId,
    instanceId: wire.instanceId,
    reference: wire.reference,
    version: session.toldVersion,
    state: wire.state,
    notice: wire.notice,
    end: wire.end,
    viewers: wire.viewers,
    createdAt: session.createdAt,
    startedAt: wire.startedAt,
    deadlineAt: wire.deadlineAt,
    expiresAt: wire.expiresAt,
  };
}

/** `sessions`: as they were read, newest first. */
export function nextReading(
  previous: Reading | null,
  { at, sessions, isCut }: { readonly at: number; readonly sessions: readonly OverviewSession[]; readonly isCut: boolean },
): Reading {
  const kept = sessions.map((session) => {
    const before = previous?.sessions.get(session.id);
    return before !== undefined && JSON.stringify(before) === JSON.stringify(session) ? before : session;
  });
  return { at, sessions: new Map(kept.map((session) => [session.id, session])), isCut };
}

/** What a reader whose last reading is `told` has not been told of `now`. Null: nothing. */
export function overviewNews(told: Reading | null, now: Reading): Overview | null {
  const sessions = [...now.sessions.values()].filter((session) => told?.sessions.get(session.id) !== session);
  const gone = [...(told?.sessions.keys() ?? [])].filter((sessionId) => !now.sessions.has(sessionId));
  const isSame = told !== null && told.isCut === now.isCut && sessions.length === 0 && gone.length === 0;
  return isSame ? null : { at: now.at, isFirst: told === null, sessions, gone, isCut: now.isCut };
}
