/**
 * Sessions in Redis: records that one script changes (session-records.ts), and watches over pub/sub
 * (session-watches.ts).
 */

import { reduce, type SessionEvent } from '@qrcast/core/reduce';
import type { Policy } from '@qrcast/core/schedule';
import type { Redis } from 'ioredis';
import type { AuditLog } from '../audit/audit-log.ts';
import { auditSessionEnd } from '../audit/audit-session-end.ts';
import type { Logger } from '../log.ts';
import type { Bus } from '../redis/bus.ts';
import type { Namespace } from '../redis/keys.ts';
import { openSessionRecords, type SessionRecords } from './session-records.ts';
import { openSessionWatches } from './session-watches.ts';
import { type Change, type Known, MAX_RACES, type Sessions } from './sessions.ts';

export interface RedisSessionsDeps {
  /** A `commands` connection; not closed here. */
  readonly redis: Redis;
  readonly bus: Bus;
  readonly namespace: Namespace;
  readonly policy: Policy;
  readonly log: Logger;
  /** Told of logins and ends. */
  readonly audit?: Pick<AuditLog, 'record'>;
  /**
   * Whether the credentials stay when a session of the tenant connects, until
   * connected-instances.ts takes them over. Never if left out.
   */
  readonly keepsCredentials?: (tenantId: string) => Promise<boolean>;
  readonly rereadEveryMs?: number;
}

export function openRedisSessions(deps: RedisSessionsDeps): Sessions {
  const { policy, audit } = deps;
  const { replace, ...records } = openSessionRecords(deps);
  const { watch, close } = openSessionWatches(deps);

  async function change(sessionId: string, event: SessionEvent, known?: Known): Promise<Change | null> {
    const changed = await changeRecord({ policy, replace, find: records.find }, sessionId, event, known);
    if (changed === null || changed.after === changed.before) return changed;
    const entry = auditSessionEnd(changed.before, changed.after, event);
    if (entry !== null) audit?.record(entry);
    return changed;
  }

  return {
    ...records,
    apply: async (...call) => (await change(...call))?.after ?? null,
    change,
    current: (sessionId, now, known) => change(sessionId, { kind: 'elapsed', at: now }, known),
    watch,
    close: async () => close(),
  };
}

interface Stored extends Pick<SessionRecords, 'find' | 'replace'> {
  readonly policy: Policy;
}

/**
 * Reduces and writes; if another process wrote first, reduces again on what it wrote. @throws
 * {Error} after `MAX_RACES` lost races.
 */
async function changeRecord(
  { policy, find, replace }: Stored,
  sessionId: string,
  event: SessionEvent,
  known?: Known,
): Promise<Change | null> {
  const isRemembered = known !== undefined && 'remembered' in known;
  let current = isRemembered ? known.remembered : (known?.justRead ?? (await find(sessionId)));
  let isKnownToStand = !isRemembered;
  for (let race = 0; race < MAX_RACES && current !== null; race++) {
    const next = reduce(policy, current, event);
    if (next === current && isKnownToStand) return { before: current, after: current };
    // "Nothing to do" must be said of the record that stands, not of one that stood.
    const outcome = next === current ? await find(sessionId) : await replace(current, next, event);
    if (outcome === true) return { before: current, after: next };
    current = outcome;
    isKnownToStand = true;
  }
  if (current !== null) throw new Error(`session ${sessionId} was changed by others ${MAX_RACES} times in a row`);
  return null;
}
