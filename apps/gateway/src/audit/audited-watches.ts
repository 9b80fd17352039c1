/**
 * Records who watches a session. A client that long-polls or keeps coming back gets one entry in a
 * window.
 */

import type { Session } from '@qrcast/core/session';
import type { Principal } from '../auth/auth.ts';
import { actorOf, asPrincipal, currentCaller } from '../auth/caller.ts';
import { addressGroup } from '../http/client-address.ts';
import type { RecordAction } from './audit-recorder.ts';
import { createOncePerWindow } from './once-per-window.ts';

export type NoteWatch = (principal: Principal, session: Pick<Session, 'id' | 'instanceId'>) => void;

const WINDOW_MS = 600_000;
/**
 * Pairs of credential and session remembered for one tenant, about 8 MB. Beyond that, every watch
 * is recorded: too often is better than never.
 */
const MAX_WATCHING = 20_000;
/**
 * Networks remembered for one such pair. Without a bound, the owner of a large network could flush
 * the log with one ticket.
 */
const MAX_NETWORKS = 20;

export function createAuditedWatches({ record, now }: { readonly record: RecordAction; readonly now: () => number }): NoteWatch {
  const watching = createOncePerWindow({ windowMs: WINDOW_MS, maxInGroup: MAX_WATCHING, now });
  const networks = createOncePerWindow({ windowMs: WINDOW_MS, maxInGroup: MAX_NETWORKS, now });
  return (principal, { id: sessionId, instanceId }) => {
    const { kind, id } = actorOf(principal);
    const from = addressGroup(currentCaller()?.address ?? '');
    const who = [sessionId, kind, id].join('|');
    if (watching(principal.tenantId, who) !== 'full' && networks(`${principal.tenantId}|${who}`, from) !== 'new') return;
    asPrincipal(principal, () => record('session.watched', { sessionId, instanceId }));
  };
}
