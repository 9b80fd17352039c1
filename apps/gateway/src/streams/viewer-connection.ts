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
import { createSubscriptionQueue, type SubscriptionQueue } from './subscription-queue.ts';
import { type Accepted, MAX_SUBSCRIPTIONS, type SubscriptionsOwner, ViewerSubscriptions } from './viewer-subscriptions.ts';
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
type SessionRequest = z.output<typeof sessionIdSchema>;

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
  unsubscribe(request: SessionRequest): Promise<void>;
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
  resume(request: SessionRequest): Promise<void>;
  sendPassword(request: z.output<typeof streamPasswordSchema>): Promise<void>;
  startOver(request: SessionRequest): Promise<void>;
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

export const openViewerConnection = (deps: ViewerConnectionDeps, transport: ViewerTransport): ViewerConnection =>
  new Connection(deps, transport);

/** A class, because a gateway has one for each viewer: closures would take three times the memory. */
class Connection implements ViewerConnection, SubscriptionsOwner {
  readonly #deps: ViewerConnectionDeps;
  readonly #transport: ViewerTransport;
  readonly #subscriptions: ViewerSubscriptions;
  readonly #queue: SubscriptionQueue;
  readonly #isWithinBudget = createMessageBudget(() => performance.now());
  readonly #idleTimeout = createIdleTimeout(
    () => this.isIdle(),
    () => this.close('subscribe_timeout'),
  );
  /** Subscriptions that are not decided yet. */
  #undecided = 0;
  #isOver = false;

  constructor(deps: ViewerConnectionDeps, transport: ViewerTransport) {
    this.#deps = deps;
    this.#transport = transport;
    this.#subscriptions = new ViewerSubscriptions(deps.hub, this);
    this.#queue = createSubscriptionQueue(deps.maxUnreadAnswers);
    this.#idleTimeout.start();
  }

  async subscribe(request: SubscribeRequest): Promise<Answered> {
    if (this.#undecided >= MAX_SUBSCRIPTIONS) {
      throw new RefusedError('too_many_requests', `at most ${MAX_SUBSCRIPTIONS} subscriptions that wait; read their answers`);
    }
    this.#undecided++;
    try {
      return await this.#subscribe(request);
    } finally {
      this.#undecided--;
    }
  }

  watch(...args: Parameters<ViewerSubscriptions['watch']>): Promise<Accepted> {
    return this.#subscriptions.watch(...args);
  }

  async unsubscribe({ sessionId }: SessionRequest): Promise<void> {
    await this.#queue.withdraw(sessionId);
    this.#subscriptions.leave(sessionId);
  }

  setVisible({ visible }: z.output<typeof visibleSchema>): void {
    this.#subscriptions.setVisible(visible);
  }

  async resume({ sessionId }: SessionRequest): Promise<void> {
    await asPrincipal(this.#subscriptions.viewerOf(sessionId), () => this.#deps.service.resume(sessionId));
  }

  async sendPassword({ sessionId, password }: z.output<typeof streamPasswordSchema>): Promise<void> {
    const viewer = this.#subscriptions.viewerOf(sessionId);
    requireScope(viewer, 'password');
    const session = await this.#deps.service.find(sessionId);
    await asPrincipal(viewer, () => this.#deps.passwordStep.submit(session, password));
  }

  async startOver({ sessionId }: SessionRequest): Promise<void> {
    const viewer = this.#subscriptions.viewerOf(sessionId);
    requireScope(viewer, 'password');
    const session = await this.#deps.service.find(sessionId);
    await asPrincipal(viewer, () => this.#deps.startOver.begin(session, false)); // the error of a stream carries no session: the stream itself tells it
  }

  mayTake(): boolean {
    if (!this.#isOver && !this.#isWithinBudget()) this.close('too_many_requests');
    return !this.#isOver;
  }

  isIdle(): boolean {
    return this.#subscriptions.isEmpty() && this.#undecided === 0;
  }

  close(reason: CloseReason): void {
    if (this.#isOver) return;
    this.end();
    this.#transport.sink.close(reason);
  }

  end(): void {
    this.#isOver = true;
    this.#subscriptions.leaveAll();
    this.#idleTimeout.stop();
  }

  get sink(): Sink {
    return this.#transport.sink;
  }

  isOver(): boolean {
    return this.#isOver;
  }

  onWatch(): void {
    this.#idleTimeout.stop();
  }

  onEmpty(): void {
    if (!this.#isOver) this.#idleTimeout.start();
  }

  onClosed(reason: CloseReason): void {
    // A finished session ends the connection only if nothing else is watched on it.
    if (reason !== 'done' || this.isIdle()) this.close(reason);
  }

  onPermitLost(reason: CloseReason): void {
    this.close(reason);
  }

  async #subscribe(request: SubscribeRequest): Promise<Answered> {
    const admitted = this.#admit(request.ticket);
    const queued = await this.#queue.enter(admitted.then(({ ticket }) => ticket.sessionId));
    try {
      const viewer = queued.hasWaited ? await this.#admit(request.ticket) : await admitted;
      const { sessionId } = viewer.ticket;
      const permit = await this.#deps.permits.take(viewer, sessionId, this.#subscriptions.permitOf(sessionId));
      const accepted = await this.#subscriptions.watch(viewer, request, permit);
      if (queued.isWithdrawn) this.#subscriptions.leave(sessionId);
      return { ...accepted, read: queued.end };
    } catch (error) {
      queued.end();
      throw error;
    }
  }

  async #admit(ticket: string): Promise<ViewerPrincipal> {
    const viewer = await admitViewer(this.#deps, ticket, this.#transport.origin);
    this.#transport.takeSlot();
    return viewer;
  }
}
