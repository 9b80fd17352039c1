/**
 * One connection of a viewer, over any transport that carries several sessions: the sessions that
 * it watches, what its client may ask for, and when it ends. A transport brings the sink that it
 * sends through, and calls this with what it receives. A refused call is a `RefusedError` and
 * changes nothing.
 */

import type { CloseReason } from '@qrcast/core/close-codes';
import { RefusedError } from '@qrcast/core/errors';
import type { sessionIdSchema, streamPasswordSchema, subscribeSchema, visibleSchema } from '@qrcast/core/requests';
import type { z } from 'zod';
import { type Auth, requireScope, type ViewerPrincipal } from '../auth/auth.ts';
import { asPrincipal } from '../auth/caller.ts';
import type { PasswordStep } from '../sessions/password-step.ts';
import type { SessionService } from '../sessions/session-service.ts';
import type { StartOver } from '../sessions/start-over.ts';
import { admitViewer } from './admit-viewer.ts';
import type { Sink } from './delivery.ts';
import type { Hub } from './hub.ts';
import { createIdleTimeout } from './idle-timeout.ts';
import { createMessageBudget } from './message-budget.ts';
import { createSubscriptionQueue } from './subscription-queue.ts';
import { type Accepted, createViewerSubscriptions, MAX_SUBSCRIPTIONS, type ViewerSubscriptions } from './viewer-subscriptions.ts';
import type { WatchPermits } from './watch-permits.ts';

export interface ViewerConnectionDeps {
  readonly auth: Auth;
  readonly hub: Hub;
  readonly service: SessionService;
  readonly passwordStep: PasswordStep;
  readonly startOver: StartOver;
  readonly permits: WatchPermits;
  /**
   * Answers to subscriptions that a connection's client may leave unread; `MAX_UNREAD_ANSWERS` if
   * left out.
   */
  readonly maxUnreadAnswers?: number | undefined;
}

type SubscribeRequest = z.output<typeof subscribeSchema>;

export interface Answered extends Accepted {
  /** Call this when the client has read the answer; further subscriptions wait for that. */
  read(): void;
}

export interface ViewerConnection extends SessionCalls, Pick<ViewerSubscriptions, 'watch'> {
  /**
   * Adds the ticket's session. `watch` does the same for a ticket that `admitViewer` has admitted.
   */
  subscribe(request: SubscribeRequest): Promise<Answered>;
  /** Also ends subscriptions that were requested before and are not answered yet. */
  unsubscribe(request: z.output<typeof sessionIdSchema>): Promise<void>;
  setVisible(request: z.output<typeof visibleSchema>): void;
  /**
   * Counts a message of the client. False if it is to be ignored: the connection has ended, or ends
   * now because of it.
   */
  mayTake(): boolean;
  /** It watches nothing, and no subscription is under way. */
  isIdle(): boolean;
  /**
   * Tells the reason through the sink, once. Nothing follows, however slowly the transport closes.
   */
  close(reason: CloseReason): void;
  /** The transport has lost the connection: nothing is told. */
  end(): void;
}

/**
 * Calls about a session that the connection watches. @throws {RefusedError} `not_found` for any
 * other.
 */
interface SessionCalls {
  resume(request: z.output<typeof sessionIdSchema>): Promise<void>;
  sendPassword(request: z.output<typeof streamPasswordSchema>): Promise<void>;
  startOver(request: z.output<typeof sessionIdSchema>): Promise<void>;
}

/** A connection is cut if its client has not read by then why it is closed. */
export const CLOSE_WITHIN_MS = 1_000;

/** What a transport brings. */
export interface ViewerTransport {
  readonly sink: Sink;
  /** The origin of the page that the client runs in, if it named one. */
  readonly origin: string | undefined;
  /**
   * Takes a connection slot of this gateway, once. Called with each good ticket.
   * @throws {RefusedError} `unavailable` while no slot is free.
   */
  takeSlot(): void;
}

export function openViewerConnection(deps: ViewerConnectionDeps, transport: ViewerTransport): ViewerConnection {
  const isWithinBudget = createMessageBudget(() => performance.now());
  let isOver = false;

  const isIdle = (): boolean => subscriptions.isEmpty() && !subscriber.isSubscribing();
  const idleTimeout = createIdleTimeout(isIdle, () => close('subscribe_timeout'));
  const subscriptions = createViewerSubscriptions({
    hub: deps.hub,
    sink: transport.sink,
    isOver: () => isOver,
    onWatch: idleTimeout.stop,
    onEmpty() {
      if (!isOver) idleTimeout.start();
    },
    onClosed(reason) {
      // A finished session ends the connection only if nothing else is watched on it.
      if (reason !== 'done' || isIdle()) close(reason);
    },
    onPermitLost: close,
  });
  const subscriber = createSubscriber(deps, transport, subscriptions);

  function end(): void {
    isOver = true;
    subscriptions.leaveAll();
    idleTimeout.stop();
  }

  function close(reason: CloseReason): void {
    if (isOver) return;
    end();
    transport.sink.close(reason);
  }

  idleTimeout.start();
  return {
    ...createSessionCalls(deps, subscriptions),
    ...subscriber,
    watch: subscriptions.watch,
    setVisible: ({ visible }) => subscriptions.setVisible(visible),
    mayTake() {
      if (!isOver && !isWithinBudget()) close('too_many_requests');
      return !isOver;
    },
    isIdle,
    close,
    end,
  };
}

interface Subscriber extends Pick<ViewerConnection, 'subscribe' | 'unsubscribe'> {
  /** Whether a subscription is not decided yet. */
  isSubscribing(): boolean;
}

function createSubscriber(deps: ViewerConnectionDeps, transport: ViewerTransport, subscriptions: ViewerSubscriptions): Subscriber {
  const queue = createSubscriptionQueue(deps.maxUnreadAnswers);
  let undecided = 0;

  async function admit(ticket: string): Promise<ViewerPrincipal> {
    const viewer = await admitViewer(deps, ticket, transport.origin);
    transport.takeSlot();
    return viewer;
  }

  async function subscribe(request: SubscribeRequest): Promise<Answered> {
    const admitted = admit(request.ticket);
    const queued = await queue.enter(admitted.then(({ ticket }) => ticket.sessionId));
    try {
      const viewer = queued.hasWaited ? await admit(request.ticket) : await admitted;
      const { sessionId } = viewer.ticket;
      const permit = await deps.permits.take(viewer, sessionId, subscriptions.permitOf(sessionId));
      const accepted = await subscriptions.watch(viewer, request, permit);
      if (queued.isWithdrawn) subscriptions.leave(sessionId);
      return { ...accepted, read: queued.end };
    } catch (error) {
      queued.end();
      throw error;
    }
  }

  return {
    async subscribe(request) {
      if (undecided >= MAX_SUBSCRIPTIONS) {
        throw new RefusedError('too_many_requests', `at most ${MAX_SUBSCRIPTIONS} subscriptions that wait; read their answers`);
      }
      undecided++;
      try {
        return await subscribe(request);
      } finally {
        undecided--;
      }
    },
    async unsubscribe({ sessionId }) {
      await queue.withdraw(sessionId);
      subscriptions.leave(sessionId);
    },
    isSubscribing: () => undecided > 0,
  };
}

function createSessionCalls({ service, passwordStep, startOver }: ViewerConnectionDeps, { viewerOf }: ViewerSubscriptions): SessionCalls {
  return {
    async resume({ sessionId }) {
      await asPrincipal(viewerOf(sessionId), () => service.resume(sessionId));
    },
    async sendPassword({ sessionId, password }) {
      const viewer = viewerOf(sessionId);
      requireScope(viewer, 'password');
      const session = await service.find(sessionId);
      await asPrincipal(viewer, () => passwordStep.submit(session, password));
    },
    async startOver({ sessionId }) {
      const viewer = viewerOf(sessionId);
      requireScope(viewer, 'password');
      const session = await service.find(sessionId);
      await asPrincipal(viewer, () => startOver.begin(session, false)); // the error of a stream carries no session: the stream itself tells it
    },
  };
}
