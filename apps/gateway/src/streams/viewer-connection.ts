/**
 * One connection of a viewer, whatever carries it: the sessions it watches, what its client may ask for, and when it ends. A transport
 * brings the sink that it speaks through, and calls here what it hears. A refused call is a `RefusedError` and changes nothing.
 */

import type { CloseReason } from '@qrcast/core/close-codes';
import { RefusedError } from '@qrcast/core/errors';
import type { sessionIdSchema, streamPasswordSchema, subscribeSchema, visibleSchema } from '@qrcast/core/requests';
import type { WireSession } from '@qrcast/core/wire';
import type { z } from 'zod';
import { type Auth, requireScope, type ViewerPrincipal } from '../auth/auth.ts';
import { asPrincipal } from '../auth/caller.ts';
import type { PasswordStep } from '../sessions/password-step.ts';
import type { SessionService } from '../sessions/session-service.ts';
import type { StartOver } from '../sessions/start-over.ts';
import { admitViewer } from './admit-viewer.ts';
import type { Sink } from './delivery.ts';
import { createHeldSink } from './held-sink.ts';
import type { Hub } from './hub.ts';
import { createIdleTimeout } from './idle-timeout.ts';
import { createMessageBudget } from './message-budget.ts';
import { createSubscriptionQueue } from './subscription-queue.ts';
import type { WatchPermit, WatchPermits } from './watch-permits.ts';
import type { Subscription } from './watched-session.ts';

export interface ViewerConnectionDeps {
  readonly auth: Auth;
  readonly hub: Hub;
  readonly service: SessionService;
  readonly passwordStep: PasswordStep;
  readonly startOver: StartOver;
  readonly permits: WatchPermits;
  /** Answers of subscriptions that a connection's client may leave unread; `MAX_UNREAD_ANSWERS` if left out. */
  readonly maxUnreadAnswers?: number | undefined;
}

type SubscribeRequest = z.output<typeof subscribeSchema>;
type Wish = Pick<SubscribeRequest, 'formats' | 'after'>;

/** A subscription that stands. */
export interface Accepted {
  /** The state at the start. */
  readonly session: WireSession;
  /** Nothing of it is sent before this, so that the caller's answer comes first. */
  begin(): void;
}

export interface Answered extends Accepted {
  /** To be called when the client has read the answer; further subscriptions wait for that. */
  read(): void;
}

export interface ViewerConnection {
  /** Adds the ticket's session; the newer subscription of a session replaces the older. */
  subscribe(request: SubscribeRequest): Promise<Answered>;
  /** The same for a ticket that `admitViewer` has let in, and its permit. */
  watch(viewer: ViewerPrincipal, wish: Wish, permit: WatchPermit): Promise<Accepted>;
  /** Also of what was asked for before and is not answered yet. */
  unsubscribe(request: z.output<typeof sessionIdSchema>): Promise<void>;
  setVisible(request: z.output<typeof visibleSchema>): void;
  resume(request: z.output<typeof sessionIdSchema>): Promise<void>;
  sendPassword(request: z.output<typeof streamPasswordSchema>): Promise<void>;
  startOver(request: z.output<typeof sessionIdSchema>): Promise<void>;
  /** Counts a message of the client; false if it is to be ignored, for the connection is over or now ends for it. */
  mayTake(): boolean;
  /** It watches nothing and is not about to. */
  isIdle(): boolean;
  /** Tells why through the sink, once. Nothing follows, however slowly the transport closes. */
  close(reason: CloseReason): void;
  /** The transport has lost it; nothing is told. */
  end(): void;
}

/** A client that has not read why it is closed by then is closed all the same. */
export const CLOSE_WITHIN_MS = 1_000;
/** Sessions on one connection. */
const MAX_SUBSCRIPTIONS = 100;

interface Subscribed {
  readonly viewer: ViewerPrincipal;
  readonly subscription: Subscription;
  readonly permit: WatchPermit;
}

/** What a transport brings. */
export interface ViewerTransport {
  readonly sink: Sink;
  /** Of the page the client runs in, if it named one. */
  readonly origin: string | undefined;
  /** Takes the connection's place on this gateway; called with each good ticket. @throws {RefusedError} `unavailable` while there is none. */
  takeSlot(): void;
}

const overError = (): RefusedError => new RefusedError('unavailable', 'the connection is closed; open another');

export function openViewerConnection(deps: ViewerConnectionDeps, transport: ViewerTransport): ViewerConnection {
  const { hub, service, passwordStep, startOver, permits } = deps;
  const { sink, origin } = transport;
  const subscribed = new Map<string, Subscribed>();
  const isWithinBudget = createMessageBudget(() => performance.now());
  let isVisible = true;
  let isOver = false;
  const turns = createSubscriptionQueue(deps.maxUnreadAnswers);
  /** Subscriptions that are not decided yet. */
  let asked = 0;

  const isIdle = (): boolean => subscribed.size === 0 && asked === 0;

  const idleTimeout = createIdleTimeout(isIdle, () => close('subscribe_timeout'));

  function end(): void {
    isOver = true;
    for (const sessionId of [...subscribed.keys()]) leave(sessionId);
    idleTimeout.stop();
  }

  function close(reason: CloseReason): void {
    if (isOver) return;
    end();
    sink.close(reason);
  }

  function leave(sessionId: string): void {
    const one = subscribed.get(sessionId);
    if (one === undefined) return;
    subscribed.delete(sessionId);
    one.permit.release();
    one.subscription.close();
    if (!isOver && subscribed.size === 0) idleTimeout.start();
  }

  function sinkFor(sessionId: string): Sink {
    return {
      send: sink.send,
      close(reason) {
        leave(sessionId);
        // A finished session ends the connection only if nothing else is watched on it.
        if (reason !== 'done' || isIdle()) close(reason);
      },
    };
  }

  function refusalFor(sessionId: string): RefusedError | null {
    if (isOver) return overError();
    if (subscribed.size < MAX_SUBSCRIPTIONS || subscribed.has(sessionId)) return null;
    return new RefusedError('too_many_requests', `at most ${MAX_SUBSCRIPTIONS} sessions on one connection; open another`);
  }

  async function watch(viewer: ViewerPrincipal, { formats, after }: Wish, permit: WatchPermit): Promise<Accepted> {
    const { sessionId } = viewer.ticket;
    const refusal = refusalFor(sessionId);
    if (refusal !== null) {
      permit.release();
      throw refusal;
    }
    leave(sessionId);
    idleTimeout.stop();
    const gate = createHeldSink(sinkFor(sessionId));
    const subscription = hub.subscribe({ sessionId, by: viewer, sink: gate.sink, isVisible, formats, after });
    const one: Subscribed = { viewer, subscription, permit };
    subscribed.set(sessionId, one);
    permit.hold(close);
    const stands = (): boolean => subscribed.get(sessionId) === one;
    try {
      const session = await subscription.first;
      if (session === null) throw new RefusedError('not_found', 'there is no such session, or it is not yours');
      if (isOver) throw overError(); // its ticket may be what ended it
      return {
        session,
        begin() {
          if (stands()) gate.open();
        },
      };
    } catch (error) {
      if (stands()) leave(sessionId);
      throw error;
    }
  }

  async function admit(ticket: string): Promise<ViewerPrincipal> {
    const viewer = await admitViewer(deps, ticket, origin);
    transport.takeSlot();
    return viewer;
  }

  async function subscribe(request: SubscribeRequest): Promise<Answered> {
    if (asked >= MAX_SUBSCRIPTIONS) {
      throw new RefusedError('too_many_requests', `at most ${MAX_SUBSCRIPTIONS} subscriptions that wait; read their answers`);
    }
    asked++;
    try {
      const admitted = admit(request.ticket);
      const turn = await turns.take(admitted.then(({ ticket }) => ticket.sessionId));
      try {
        const viewer = turn.hasWaited ? await admit(request.ticket) : await admitted;
        const { sessionId } = viewer.ticket;
        const accepted = await watch(viewer, request, await permits.take(viewer, sessionId, subscribed.get(sessionId)?.permit));
        if (turn.isUnwanted) leave(sessionId);
        return { ...accepted, read: turn.end };
      } catch (error) {
        turn.end();
        throw error;
      }
    } finally {
      asked--;
    }
  }

  function mine(sessionId: string): ViewerPrincipal {
    const one = subscribed.get(sessionId);
    if (one === undefined) throw new RefusedError('not_found', 'this connection has no such session; subscribe to it first');
    return one.viewer;
  }

  idleTimeout.start();
  return {
    subscribe,
    watch,
    async unsubscribe({ sessionId }) {
      await turns.unwant(sessionId);
      leave(sessionId);
    },
    setVisible({ visible }) {
      isVisible = visible;
      for (const { subscription } of subscribed.values()) subscription.setVisible(visible);
    },
    async resume({ sessionId }) {
      await asPrincipal(mine(sessionId), () => service.resume(sessionId));
    },
    async sendPassword({ sessionId, password }) {
      const viewer = mine(sessionId);
      requireScope(viewer, 'password');
      const session = await service.find(sessionId);
      await asPrincipal(viewer, () => passwordStep.submit(session, password));
    },
    async startOver({ sessionId }) {
      const viewer = mine(sessionId);
      requireScope(viewer, 'password');
      const session = await service.find(sessionId);
      await asPrincipal(viewer, () => startOver.begin(session, false)); // a stream's error holds no session; the stream tells it
    },
    mayTake() {
      if (!isOver && !isWithinBudget()) close('too_many_requests');
      return !isOver;
    },
    isIdle,
    close,
    end,
  };
}
