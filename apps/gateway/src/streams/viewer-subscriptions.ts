/** The sessions that one connection watches. Each has a permit and a subscription of the hub. */

import type { CloseReason } from '@qrcast/core/close-codes';
import { noSuchSession, RefusedError } from '@qrcast/core/errors';
import type { subscribeSchema } from '@qrcast/core/requests';
import type { WireSession } from '@qrcast/core/wire';
import type { z } from 'zod';
import type { ViewerPrincipal } from '../auth/auth.ts';
import type { Sink } from './delivery.ts';
import { createHeldSink, type HeldSink } from './held-sink.ts';
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

/** The connection that has the subscriptions. */
export interface SubscriptionsOwner {
  readonly sink: Omit<Sink, 'close'>;
  /** Whether the connection has ended. */
  isOver(): boolean;
  /** A session is watched; `onEmpty`: none is any more. */
  onWatch(): void;
  onEmpty(): void;
  /** A subscription has ended and was left. */
  onClosed(reason: CloseReason): void;
  /** A permit was lost. It was released, and its session was not left yet. */
  onPermitLost(reason: CloseReason): void;
}

/** Sessions on one connection. */
export const MAX_SUBSCRIPTIONS = 100;

/** Without `first` of the subscription: that would keep the first state with its picture. */
interface Watched extends Pick<Subscription, 'setVisible' | 'close'> {
  readonly viewer: ViewerPrincipal;
  readonly permit: WatchPermit;
}

export class ViewerSubscriptions {
  readonly #hub: Pick<Hub, 'subscribe'>;
  readonly #owner: SubscriptionsOwner;
  readonly #watched = new Map<string, Watched>();
  #isVisible = true;

  constructor(hub: Pick<Hub, 'subscribe'>, owner: SubscriptionsOwner) {
    this.#hub = hub;
    this.#owner = owner;
  }

  /**
   * Watches the session of a ticket that was admitted. The newer subscription of a session replaces
   * the older. Releases the permit if this fails.
   * @throws {RefusedError} `too_many_requests`, `not_found`, `unavailable` if the connection has
   * ended.
   */
  async watch(viewer: ViewerPrincipal, wish: Wish, permit: WatchPermit): Promise<Accepted> {
    const { sessionId } = viewer.ticket;
    const refusal = refusalFor(this.#watched, sessionId, this.#owner.isOver());
    if (refusal !== null) {
      permit.release();
      throw refusal;
    }
    this.leave(sessionId);
    this.#owner.onWatch();
    const held = this.#holdSink(sessionId);
    const options = { sessionId, by: viewer, sink: held.sink, isVisible: this.#isVisible, formats: wish.formats, after: wish.after };
    const { first, setVisible, close } = this.#hub.subscribe(options);
    const one: Watched = { viewer, setVisible, close, permit };
    this.#watched.set(sessionId, one);
    permit.hold((why) => this.#owner.onPermitLost(why));
    const stands = (): boolean => this.#watched.get(sessionId) === one;
    try {
      const session = await first;
      if (session === null) throw noSuchSession();
      if (this.#owner.isOver()) throw endedError(); // perhaps because the ticket has ended
      return { session, begin: () => (stands() ? held.release() : undefined) };
    } catch (error) {
      if (stands()) this.leave(sessionId);
      throw error;
    }
  }

  /** Does nothing if the session is not watched. */
  leave(sessionId: string): void {
    const one = this.#watched.get(sessionId);
    if (one === undefined) return;
    this.#watched.delete(sessionId);
    one.permit.release();
    one.close();
    if (this.#watched.size === 0) this.#owner.onEmpty();
  }

  leaveAll(): void {
    for (const sessionId of [...this.#watched.keys()]) this.leave(sessionId);
  }

  isEmpty(): boolean {
    return this.#watched.size === 0;
  }

  permitOf(sessionId: string): WatchPermit | undefined {
    return this.#watched.get(sessionId)?.permit;
  }

  /** @throws {RefusedError} `not_found` if the session is not watched. */
  viewerOf(sessionId: string): ViewerPrincipal {
    const one = this.#watched.get(sessionId);
    if (one === undefined) throw new RefusedError('not_found', 'this connection has no such session; subscribe to it first');
    return one.viewer;
  }

  /** Also for sessions that are watched later. */
  setVisible(isVisible: boolean): void {
    this.#isVisible = isVisible;
    for (const one of this.#watched.values()) one.setVisible(isVisible);
  }

  #holdSink(sessionId: string): HeldSink {
    return createHeldSink({
      ...this.#owner.sink,
      close: (reason) => {
        this.leave(sessionId);
        this.#owner.onClosed(reason);
      },
    });
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
