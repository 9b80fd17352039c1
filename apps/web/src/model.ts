/**
 * What the page has been told so far, as one immutable value. Every change returns a new model, and no change the same one. The gate is
 * here: a session or renewal that is not newer than the last, or that follows a final state, changes nothing, in whatever order
 * messages arrive over several connections.
 */

import type { Fresh, WireSession } from '@qrcast/core/wire';
import type { RefusalCode } from './retry.ts';

export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  /** `code`: why, if the server said so. Another try follows. */
  | { readonly kind: 'lost'; readonly code: RefusalCode | null }
  /** No further try. */
  | { readonly kind: 'refused'; readonly code: RefusalCode };

/** What the viewer asked for last, be it the password or a new code. `code` of a failure: an error code of the protocol. */
export type Call =
  | { readonly kind: 'none' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'accepted' }
  | { readonly kind: 'failed'; readonly code: string };

export interface Model {
  /** With `code.staleAt` as renewed last. */
  readonly session: WireSession | null;
  readonly connection: Connection;
  readonly call: Call;
  /** The longest time, in ms, that a code was still good for when the page heard of it: the full length of the countdown. */
  readonly lifetimeMs: number;
}

export const START: Model = { session: null, connection: { kind: 'connecting' }, call: { kind: 'none' }, lifetimeMs: 0 };

/** Nothing that comes later changes what the page shows. */
export function isFinal(session: WireSession): boolean {
  return session.state === 'connected' || (session.state === 'ended' && session.end?.resumable !== true);
}

/** @param now by the server's clock */
export function withSession(model: Model, session: WireSession, now: number): Model {
  const last = model.session;
  if (last !== null && (last.id !== session.id || session.version <= last.version || isFinal(last))) return model;
  const lifetimeMs = session.code === null ? model.lifetimeMs : Math.max(model.lifetimeMs, session.code.staleAt - now);
  return { ...model, session, lifetimeMs, call: { kind: 'none' } };
}

/** @param now by the server's clock */
export function withFresh(model: Model, fresh: Fresh, now: number): Model {
  const last = model.session;
  if (last === null || last.code === null || last.id !== fresh.id || fresh.version <= last.version) return model;
  const session = { ...last, version: fresh.version, code: { ...last.code, staleAt: fresh.staleAt } };
  return { ...model, session, lifetimeMs: Math.max(model.lifetimeMs, fresh.staleAt - now) };
}

/** An accepted call that waits for its session to change waits no longer: after a reconnect the same version may come again. */
export function withConnection(model: Model, connection: Connection): Model {
  const isCallOver = connection.kind === 'lost' && model.call.kind === 'accepted';
  return { ...model, connection, call: isCallOver ? { kind: 'none' } : model.call };
}

export function withCall(model: Model, call: Call): Model {
  return { ...model, call };
}
