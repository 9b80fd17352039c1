/** What a notification of an instance's state changes: the session that is current for the instance, and the record of its login. */

import { isLoss } from '@qrcast/core/connected-instance';
import { judgeNotification, type StateNotification } from '@qrcast/core/notification';
import { isPolled, type Session } from '@qrcast/core/session';
import { type ConnectedInstances, loginOf } from '@qrcast/runtime/connected/connected-instances';
import type { Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { SessionIndex } from '../sessions/session-index.ts';
import type { Watching } from '../sessions/watching.ts';

export interface StateNotificationsDeps {
  readonly index: SessionIndex;
  readonly sessions: Sessions;
  readonly watching: Watching;
  readonly connected: Pick<ConnectedInstances, 'remember' | 'said'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Resolves once what the notification changes is stored. */
export type TakeState = (tenantId: string, notification: StateNotification) => Promise<void>;

export function createStateNotifications(deps: StateNotificationsDeps): TakeState {
  const { index, sessions, watching, connected, clock, log } = deps;

  /** A loss of what a session connected, maybe long ago. */
  async function takeLoss(tenantId: string, session: Session | null, { instanceData, ...said }: StateNotification): Promise<void> {
    if (!isLoss(said.stateInstance)) return;
    const login = session === null ? null : loginOf(session);
    if (login !== null) await connected.remember(login); // it may be so new that no worker has done it yet
    await connected.said(tenantId, instanceData.idInstance, { state: said.stateInstance, at: said.timestamp * 1000, by: 'notification' });
  }

  return async (tenantId, notification) => {
    const sessionId = await index.current(tenantId, notification.instanceData.idInstance);
    const session = sessionId === null ? null : await sessions.find(sessionId);
    await takeLoss(tenantId, session, notification);
    if (session === null) return;
    const verdict = judgeNotification(session, notification);
    log.debug({ sessionId: session.id, verdict: verdict.kind }, 'notification');
    if (verdict.kind === 'check') await watching.check(session);
    if (verdict.kind !== 'believe') return;
    const now = clock.now();
    const event = { kind: 'answered', at: now, startedAt: now, jitter: 0, outcome: verdict.outcome } as const;
    const after = (await watching.change(session.id, event, session))?.after ?? null;
    const login = after === null ? null : loginOf(after);
    // The notification may be late, and the next one tell of a loss that came before this one.
    if (login !== null) await connected.remember({ ...login, loginAt: Math.min(login.loginAt, notification.timestamp * 1000) });
    // Told at the very moment a poll began, it may count as older than that: ask, rather than lose it.
    if (after !== null && isPolled(after) && after.fence > now) await watching.check(after);
  };
}
