/**
 * Applies a notification of an instance's state to the current session of the instance, and to the
 * record of its login.
 */

import { isLoss } from '@qrcast/core/connected-instance';
import { judgeNotification, type StateNotification } from '@qrcast/core/notification';
import { isPolled, type Session } from '@qrcast/core/session';
import type { ConnectedInstances } from '@qrcast/runtime/connected/connected';
import { loginOf } from '@qrcast/runtime/connected/connected-instances';
import type { Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { Note } from '@qrcast/runtime/tracing/tracing';
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

/** Resolves once everything that the notification changes is stored. `note`: to its span. */
export type TakeState = (tenantId: string, notification: StateNotification, note: Note) => Promise<void>;

export function createStateNotifications(deps: StateNotificationsDeps): TakeState {
  const { index, sessions, watching, connected, clock, log } = deps;

  /** Handles the loss of an account that a session connected, maybe long ago. */
  async function takeLoss(tenantId: string, session: Session | null, { instanceData, ...said }: StateNotification): Promise<void> {
    if (!isLoss(said.stateInstance)) return;
    const login = session === null ? null : loginOf(session);
    // The login may be so new that no worker has recorded it yet.
    if (login !== null) await connected.remember(login);
    await connected.said(tenantId, instanceData.idInstance, { state: said.stateInstance, at: said.timestamp * 1000, by: 'notification' });
  }

  return async (tenantId, notification, note) => {
    const sessionId = await index.current(tenantId, notification.instanceData.idInstance);
    const session = sessionId === null ? null : await sessions.find(sessionId);
    await takeLoss(tenantId, session, notification);
    if (session === null) return;
    const verdict = judgeNotification(session, notification);
    note({ 'qrcast.session': session.id, 'qrcast.verdict': verdict.kind });
    log.debug({ sessionId: session.id, verdict: verdict.kind }, 'notification');
    if (verdict.kind === 'check') await watching.check(session);
    if (verdict.kind !== 'believe') return;
    const now = clock.now();
    const event = { kind: 'answered', at: now, startedAt: now, jitter: 0, outcome: verdict.outcome } as const;
    const changed = await watching.change(session.id, event, { remembered: session });
    if (changed === null) return;
    const { before, after } = changed;
    note({ 'qrcast.changed': before !== after });
    const login = loginOf(after);
    // The notification may be late, and the next one may tell of a loss before now. So the login is
    // dated by the notification.
    if (login !== null) await connected.remember({ ...login, loginAt: Math.min(login.loginAt, notification.timestamp * 1000) });
    // If a poll began at this very moment, the notification counts as no newer than the poll and is
    // ignored. Asking the provider keeps it from being lost.
    if (before.fence >= now && isPolled(after)) await watching.check(after);
  };
}
