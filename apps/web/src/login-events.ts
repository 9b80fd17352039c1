/**
 * What the page around the element is told: each change of a login, once. The names and details are
 * public (`@qrcast/client/element`).
 */

import type { LoginEvents } from '@qrcast/client/element';
import type { Session } from '@qrcast/client/types';
import type { Model } from './login.ts';

/** Without `qrcast-state`, which is about the screen: the element itself sends it. */
export type LoginEventDetails = Omit<LoginEvents, 'qrcast-state'>;

export type LoginEvent = {
  [K in keyof LoginEventDetails]: { readonly type: K; readonly detail: LoginEventDetails[K] };
}[keyof LoginEventDetails];

export function eventsBetween(before: Model, after: Model): LoginEvent[] {
  const events: LoginEvent[] = [];
  const [last, { session, connection }] = [before.session, after];
  if (session !== null && session !== last) events.push({ type: 'qrcast-session', detail: session });
  if (session?.state === 'connected' && last?.state !== 'connected') events.push({ type: 'qrcast-connected', detail: session });
  if (session !== null && isAnotherEnd(session.end, last?.end ?? null)) events.push({ type: 'qrcast-ended', detail: session });
  if (connection.status === 'refused' && before.connection.status !== 'refused') {
    events.push({ type: 'qrcast-refused', detail: { code: connection.code, detail: connection.detail } });
  }
  return events;
}

function isAnotherEnd(end: Session['end'], last: Session['end']): boolean {
  return end !== null && (end.reason !== last?.reason || end.resumable !== last.resumable);
}
