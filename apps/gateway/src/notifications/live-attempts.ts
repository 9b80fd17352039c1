/** Whether somebody is logging in to an instance now. A call that restarts it would break the attempt. */

import { RefusedError } from '@qrcast/core/errors';
import { isPolled, type Session } from '@qrcast/core/session';
import type { InstanceHolds } from '@qrcast/runtime/polling/instance-hold';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { SessionIndex } from '../sessions/session-index.ts';

export interface LiveAttemptsDeps {
  readonly sessions: Pick<Sessions, 'find'>;
  readonly index: Pick<SessionIndex, 'current'>;
  readonly holds: Pick<InstanceHolds, 'watchedSessions'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** @throws {RefusedError} `attempt_live`. */
export type RequireNoAttempt = (session: Session) => Promise<void>;

export function createLiveAttempts({ sessions, index, holds, clock }: LiveAttemptsDeps): RequireNoAttempt {
  return async ({ id, tenantId, instanceId, instanceKey }) => {
    // Another tenant may have the same instance; of its session nothing is told but that somebody logs in.
    const ids = new Set([id, (await index.current(tenantId, instanceId)) ?? id, ...(await holds.watchedSessions(instanceKey))]);
    const found = await Promise.all([...ids].map((one) => sessions.find(one)));
    // One whose deadline has passed counts as over, although nothing has ended it yet.
    const isLive = found.some((one) => one !== null && isPolled(one) && clock.now() < one.deadlineAt);
    if (!isLive) return;
    throw new RefusedError(
      'attempt_live',
      'an attempt of this instance is under way, and the call would restart it; try again when it has ended',
    );
  };
}
