/**
 * Sessions in Redis: records that one script changes (session-records.ts), timelines beside them
 * (session-timelines.ts), and watches over pub/sub (session-watches.ts).
 */

import { reduce, type SessionEvent } from '@qrcast/core/reduce';
import { renumber } from '@qrcast/core/renumber';
import type { Policy } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import type { AuditLog } from '../audit/audit-log.ts';
import { auditSessionEnd } from '../audit/audit-session-end.ts';
import type { Logger } from '../log.ts';
import type { Meters } from '../metrics/meters.ts';
import type { Bus } from '../redis/bus.ts';
import type { Namespace } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import type { CountSteps } from '../statistics/statistics.ts';
import { createChangeCount } from './count-changes.ts';
import type { RereadsOptions } from './rereads.ts';
import { createReadSession } from './session-codec.ts';
import { openSessionRecords, type SessionRecords } from './session-records.ts';
import { createSessionTimelines } from './session-timelines.ts';
import { openSessionWatches } from './session-watches.ts';
import { type Change, type Known, MAX_RACES, type Sessions } from './sessions.ts';

export interface RedisSessionsDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: RedisClient;
  readonly bus: Bus;
  readonly namespace: Namespace;
  readonly policy: Policy;
  readonly log: Logger;
  readonly meters: Meters;
  /** Told of the steps of logins. */
  readonly countSteps?: CountSteps | undefined;
  /** Told of logins and ends. */
  readonly audit?: Pick<AuditLog, 'record'>;
  /**
   * Whether the credentials stay when a session of the tenant connects, until
   * connected-instances.ts takes them over. Never if left out.
   */
  readonly keepsCredentials?: (tenantId: string) => Promise<boolean>;
  readonly rereadEveryMs?: number;
  readonly rereads?: RereadsOptions;
}

export function openRedisSessions(deps: RedisSessionsDeps): Sessions {
  const { policy, audit, meters, countSteps } = deps;
  const countChange = createChangeCount({ meters, countSteps });
  const readSession = createReadSession(deps.log);
  const { replace, ...records } = openSessionRecords({ ...deps, readSession });
  const { watch, close } = openSessionWatches({ ...deps, readSession });

  async function change(sessionId: string, event: SessionEvent, known?: Known): Promise<Change | null> {
    const next = (session: Session): Session => reduce(policy, session, event);
    const changed = await changeRecord({ replace, find: records.find }, sessionId, { event, next }, known);
    if (changed === null || changed.after === changed.before) return changed;
    countChange(changed.before, changed.after, event.at);
    const entry = auditSessionEnd(changed.before, changed.after, event);
    if (entry !== null) audit?.record(entry);
    return changed;
  }

  return {
    ...records,
    ...createSessionTimelines({ ...deps, readSession }),
    apply: async (...call) => (await change(...call))?.after ?? null,
    change,
    current: (sessionId, now, known) => change(sessionId, { kind: 'elapsed', at: now }, known),
    async renumber(sessionId, told, at) {
      const next = (session: Session): Session => renumber(session, told, at);
      return (await changeRecord({ replace, find: records.find }, sessionId, { event: null, next }))?.after ?? null;
    },
    watch,
    close: async () => close(),
  };
}

interface Step {
  /** Null if no event makes the change. */
  readonly event: SessionEvent | null;
  /** The same reference if nothing changes. */
  readonly next: (session: Session) => Session;
}

/**
 * Reduces and writes; if another process wrote first, reduces again on what it wrote. @throws
 * {Error} after `MAX_RACES` lost races.
 */
async function changeRecord(
  { find, replace }: Pick<SessionRecords, 'find' | 'replace'>,
  sessionId: string,
  { event, next }: Step,
  known?: Known,
): Promise<Change | null> {
  const isRemembered = known !== undefined && 'remembered' in known;
  let before = isRemembered ? known.remembered : (known?.justRead ?? (await find(sessionId)));
  let isKnownToStand = !isRemembered;
  for (let race = 0; race < MAX_RACES && before !== null; race++) {
    const after = next(before);
    if (after === before && isKnownToStand) return { before, after };
    // "Nothing to do" must be said of the record that stands, not of one that stood.
    const replaced = after === before ? { stands: await find(sessionId) } : await replace(before, after, event);
    if ('written' in replaced) return { before, after: replaced.written };
    before = replaced.stands;
    isKnownToStand = true;
  }
  if (before !== null) throw new Error(`session ${sessionId} was changed by others ${MAX_RACES} times in a row`);
  return null;
}
