/**
 * Refuses what would break an attempt: a call that restarts an instance while somebody logs in to
 * it.
 */

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
    // Another tenant may have the same instance. The answer tells nothing of its session but that
    // an attempt is live.
    const ids = new Set([id, (await index.current(tenantId, instanceId)) ?? id, ...(await holds.watchedSessions(instanceKey))]);
    const found = await Promise.all([...ids].map((one) => sessions.find(one)));
    // A session past its deadline counts as over, although nothing may have ended it yet.
    const isLive = found.some((one) => one !== null && isPolled(one) && clock.now() < one.deadlineAt);
    if (!isLive) return;
    throw new RefusedError(
      'attempt_live',
      'an attempt of this instance is under way, and the call would restart it; try again when it has ended',
    );
  };
}
