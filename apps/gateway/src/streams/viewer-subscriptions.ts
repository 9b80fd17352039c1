/** The sessions that one connection watches. Each has a permit and a subscription of the hub. */

import type { CloseReason } from '@qrcast/core/close-codes';
import { noSuchSession, RefusedError } from '@qrcast/core/errors';
import type { subscribeSchema } from '@qrcast/core/requests';
import type { WireSession } from '@qrcast/core/wire';
import type { z } from 'zod';
import type { ViewerPrincipal } from '../auth/auth.ts';
import type { Sink } from './delivery.ts';
import { createHeldSink } from './held-sink.ts';
import type { Hub } from './hub.ts';
import type { WatchPermit } from './watch-permits.ts';
import type { Subscription } from './watched-session.ts';

/** What a subscription may ask for. */
export type Wish = Pick<z.output<typeof subscribeSchema>, 'formats' | 'after'>;

/** A subscription that stands. */
export interface Accepted {
  /** The state at the start. */
  readonly session: WireSession;
  /**
   * Nothing of the subscription is sent before this call, so that the caller's answer goes first.
   */
  begin(): void;
}

export interface ViewerSubscriptions {
  /**
   * Watches the session of a ticket that was admitted. The newer subscription of a session replaces
   * the older. Releases the permit if this fails.
   * @throws {RefusedError} `too_many_requests`, `not_found`, `unavailable` if the connection has
   * ended.
   */
  watch(viewer: ViewerPrincipal, wish: Wish, permit: WatchPermit): Promise<Accepted>;
  /** Does nothing if the session is not watched. */
  leave(sessionId: string): void;
  leaveAll(): void;
  isEmpty(): boolean;
  permitOf(sessionId: string): WatchPermit | undefined;
  /** @throws {RefusedError} `not_found` if the session is not watched. */
  viewerOf(sessionId: string): ViewerPrincipal;
  /** Also for sessions that are watched later. */
  setVisible(isVisible: boolean): void;
}

export interface ViewerSubscriptionsDeps {
  readonly hub: Pick<Hub, 'subscribe'>;
  readonly sink: Omit<Sink, 'close'>;
  /** Whether the connection has ended. */
  readonly isOver: () => boolean;
  /** A session is watched; `onEmpty`: none is any more. */
  readonly onWatch: () => void;
  readonly onEmpty: () => void;
  /** A subscription has ended and was left. */
  readonly onClosed: (reason: CloseReason) => void;
  /** A permit was lost. It was released, and its session was not left yet. */
  readonly onPermitLost: (reason: CloseReason) => void;
}

/** Sessions on one connection. */
export const MAX_SUBSCRIPTIONS = 100;

/** Without `first` of the subscription: that would keep the first state with its picture. */
interface Watched extends Pick<Subscription, 'setVisible' | 'close'> {
  readonly viewer: ViewerPrincipal;
  readonly permit: WatchPermit;
}

export function createViewerSubscriptions(deps: ViewerSubscriptionsDeps): ViewerSubscriptions {
  const watched = new Map<string, Watched>();
  let isVisible = true;

  function leave(sessionId: string): void {
    const one = watched.get(sessionId);
    if (one === undefined) return;
    watched.delete(sessionId);
    one.permit.release();
    one.close();
    if (watched.size === 0) deps.onEmpty();
  }

  return {
    watch: (viewer, wish, permit) => watch(deps, { watched, leave, isVisible }, viewer, wish, permit),
    leave,
    leaveAll() {
      for (const sessionId of [...watched.keys()]) leave(sessionId);
    },
    isEmpty: () => watched.size === 0,
    permitOf: (sessionId) => watched.get(sessionId)?.permit,
    viewerOf(sessionId) {
      const one = watched.get(sessionId);
      if (one === undefined) throw new RefusedError('not_found', 'this connection has no such session; subscribe to it first');
      return one.viewer;
    },
    setVisible(visible) {
      isVisible = visible;
      for (const one of watched.values()) one.setVisible(visible);
    },
  };
}

interface Watching {
  readonly watched: Map<string, Watched>;
  readonly leave: (sessionId: string) => void;
  readonly isVisible: boolean;
}

async function watch(
  deps: ViewerSubscriptionsDeps,
  { watched, leave, isVisible }: Watching,
  viewer: ViewerPrincipal,
  { formats, after }: Wish,
  permit: WatchPermit,
): Promise<Accepted> {
  const { sessionId } = viewer.ticket;
  const refusal = refusalFor(watched, sessionId, deps.isOver());
  if (refusal !== null) {
    permit.release();
    throw refusal;
  }
  leave(sessionId);
  deps.onWatch();
  const held = createHeldSink({
    ...deps.sink,
    close(reason) {
      leave(sessionId);
      deps.onClosed(reason);
    },
  });
  const { first, setVisible, close } = deps.hub.subscribe({ sessionId, by: viewer, sink: held.sink, isVisible, formats, after });
  const one: Watched = { viewer, setVisible, close, permit };
  watched.set(sessionId, one);
  permit.hold(deps.onPermitLost);
  const stands = (): boolean => watched.get(sessionId) === one;
  try {
    const session = await first;
    if (session === null) throw noSuchSession();
    if (deps.isOver()) throw endedError(); // perhaps because the ticket has ended
    return { session, begin: () => (stands() ? held.release() : undefined) };
  } catch (error) {
    if (stands()) leave(sessionId);
    throw error;
  }
}

function refusalFor(watched: ReadonlyMap<string, Watched>, sessionId: string, isOver: boolean): RefusedError | null {
  if (isOver) return endedError();
  if (watched.size < MAX_SUBSCRIPTIONS || watched.has(sessionId)) return null;
  return new RefusedError('too_many_requests', `at most ${MAX_SUBSCRIPTIONS} sessions on one connection; open another`);
}

function endedError(): RefusedError {
  return new RefusedError('unavailable', 'the connection is closed; open another');
}
