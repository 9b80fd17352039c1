/**
 * Begins a new attempt of a session that has ended, if its end allows that and its instance has no
 * other live session.
 */

import { noSuchSession, RefusedError } from '@qrcast/core/errors';
import { isResumable, RESUMABLE_ENDS, type Session } from '@qrcast/core/session';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Known, Sessions } from '@qrcast/runtime/sessions/sessions';
import type { TenantStanding } from '../tenants/tenant-standing.ts';
import type { InstanceOwner } from './instance-owner.ts';
import type { SessionQuota } from './session-quota.ts';
import type { Watching } from './watching.ts';

/** @throws {RefusedError} `not_resumable`, `tenant_limit_reached`, `not_found`. */
export type SessionResume = (sessionId: string, known?: Known) => Promise<Session>;

export interface SessionResumeDeps {
  readonly sessions: Pick<Sessions, 'apply'>;
  readonly watching: Pick<Watching, 'current' | 'start'>;
  readonly instanceOwner: Pick<InstanceOwner, 'claim'>;
  readonly sessionQuota: Pick<SessionQuota, 'keep' | 'restore' | 'leave'>;
  readonly standing: Pick<TenantStanding, 'require'>;
  readonly clock: Clock;
}

export function createSessionResume(deps: SessionResumeDeps): SessionResume {
  const { sessions, watching, instanceOwner, sessionQuota, standing, clock } = deps;

  /** Called once the session counts as live again. */
  async function begin(session: Session): Promise<Session> {
    if ((await instanceOwner.claim(session, false)).id !== session.id)
      throw new RefusedError('not_resumable', 'the instance has a newer live session; use that one');
    const resumed = await sessions.apply(session.id, { kind: 'resumed', at: clock.now() }, { remembered: session });
    if (resumed === null) throw noSuchSession();
    await sessionQuota.restore(resumed); // a process that had read the session's end may have taken it out meanwhile
    const watched = await watching.start(session.id, { justRead: resumed });
    if (watched === null) throw noSuchSession();
    return watched;
  }

  return async (sessionId, known) => {
    const session = await watching.current(sessionId, known);
    if (session === null || !isResumable(session)) throw notResumable(session);
    await sessionQuota.keep(await standing.require(session.tenantId), session);
    try {
      return await begin(session);
    } catch (error) {
      sessionQuota.leave(session);
      throw error;
    }
  };
}

function notResumable(session: Session | null): RefusedError {
  const ends = [...RESUMABLE_ENDS].join(', ');
  const state = session?.state.kind ?? 'gone';
  return new RefusedError('not_resumable', `only a session that ended with ${ends} can be resumed; this one is ${state}`);
}
