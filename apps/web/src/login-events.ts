/** What the page around the element is told: the turns of a login, each once. Names and details are public. */

import type { RefusalCode, Session } from '@qrcast/client/types';
import type { Model } from './login.ts';

export interface TurnDetails {
  /** As it may be shown now: with every newer state, renewed code, and code that ran out. */
  readonly 'qrcast-session': Session;
  readonly 'qrcast-connected': Session;
  /** One end may follow another: what could have been resumed is cancelled. */
  readonly 'qrcast-ended': Session;
  readonly 'qrcast-refused': { readonly code: RefusalCode; readonly detail: string | null };
}

export type Turn = { [K in keyof TurnDetails]: { readonly type: K; readonly detail: TurnDetails[K] } }[keyof TurnDetails];

export function turnsBetween(before: Model, after: Model): Turn[] {
  const turns: Turn[] = [];
  const [last, { session, connection }] = [before.session, after];
  if (session !== null && session !== last) turns.push({ type: 'qrcast-session', detail: session });
  if (session?.state === 'connected' && last?.state !== 'connected') turns.push({ type: 'qrcast-connected', detail: session });
  if (session !== null && isAnotherEnd(session.end, last?.end ?? null)) turns.push({ type: 'qrcast-ended', detail: session });
  if (connection.status === 'refused' && before.connection.status !== 'refused') {
    turns.push({ type: 'qrcast-refused', detail: { code: connection.code, detail: connection.detail } });
  }
  return turns;
}

function isAnotherEnd(end: Session['end'], last: Session['end']): boolean {
  return end !== null && (end.reason !== last?.reason || end.resumable !== last.resumable);
}
