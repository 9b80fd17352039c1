/**
 * Keeps one connection to the gateway, never two, and reconnects when it is lost.
 *
 *   connecting ──open──▶ open ──lost──▶ retrying ──timer, hurry──▶ (next try) ──▶ open …
 *       └───────────────────┴──────refused──▶ [renewTicket ──▶ next try] or the end
 *
 * The bound of the retries: they go on, one after each backoff (`retry.ts`), until the gateway says
 * that reconnecting cannot help, or until `close()`. They end in any case when the ticket has
 * expired, because that refusal is final. An expired ticket is renewed once. If the gateway refuses
 * the new one at once, the watch ends.
 */

import { type Attempt, openAttempt } from './attempt.ts';
import { createGatewayPresence, type GatewayPresence } from './gateway-presence.ts';
import { createNextTry } from './next-try.ts';
import { createRequestPace } from './request-pace.ts';
import { hurryDelayMs, retryDelayMs, retryFloorMs } from './retry.ts';
import { createTransportOrder, type TransportOrder } from './transports/transport-order.ts';
import type { Closed, Connection, Format, Fresh, RefusalCode, RequestPace, Session, Transport } from './types.ts';

export interface Route {
  readonly url: string;
  readonly ticket: string;
  readonly formats: readonly Format[] | undefined;
  /** Best first. */
  readonly transports: readonly [Transport, ...Transport[]];
  readonly renewTicket: (() => Promise<string>) | undefined;
  /** Shared with the calls of the same watch. A new one if left out. */
  readonly pace?: RequestPace;
  /** The initial visibility. */
  readonly visible: boolean;
}

export interface ConnectedHandlers {
  /** The version of the newest known state; 0 requests the complete state. */
  after(): number;
  /** `refused` is the last call. */
  onConnection(connection: Connection): void;
  onSession(session: Session): void;
  onFresh(fresh: Fresh): void;
}

export interface KeptConnection {
  /** The newest ticket. */
  ticket(): string;
  setVisible(visible: boolean): void;
  /** Replaces an open connection with a new one. */
  reconnect(): void;
  /**
   * Call when a person looks at the page, or when the network is back. A pending try then begins
   * sooner (`hurryDelayMs`), but not before the server's hint.
   */
  hurry(why: 'look' | 'online'): void;
  close(): void;
}

/**
 * After a connection of this length the backoff starts again from the beginning, and the ticket
 * counts as proven.
 */
const STABLE_MS = 10_000;

const RENEWABLE: ReadonlySet<RefusalCode | null> = new Set(['unauthenticated', 'ticket_expired']);

/**
 * Connects in the next microtask, so that the caller can first add listeners, or close it again.
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: its parts share the state of the one connection. What has a state of its own is in modules of its own.
export function keepConnected(route: Route, handlers: ConnectedHandlers): KeptConnection {
  const { url, formats, transports, renewTicket, pace = createRequestPace() } = route;
  const order = createTransportOrder(transports);
  const presence = createGatewayPresence();
  const nextTry = createNextTry(connect);
  let { ticket, visible } = route;
  let isOver = false;
  let attempt: Attempt | null = null;
  let isOpen = false;
  let failures = 0;
  /** The ticket was renewed and no connection has proven it yet (`STABLE_MS`). */
  let isTicketNew = false;
  /** Requests the complete state, because a new ticket may be for another session. */
  let isFromStart = false;
  /**
   * The server's last reason for closing. Kept until it is open again, also if the network fails.
   */
  let reason: RefusalCode | null = null;

  function connect(): void {
    if (isOver) return;
    const transport = order.current();
    const requests = requestsOf(transport);
    const waitMs = pace.waitMs(requests);
    if (waitMs > 0) {
      nextTry.plan(waitMs, performance.now() + waitMs);
      return;
    }
    pace.take(requests);
    nextTry.cancel();
    const after = isFromStart ? 0 : handlers.after();
    attempt = openAttempt(transport, { url, ticket, formats, after, visible, pace }, order.openWithinMs(), {
      onOpen() {
        isOpen = true;
        isFromStart = false;
        reason = null;
        order.opened();
        handlers.onConnection({ status: 'open', transport: transport.name });
      },
      onSession: handlers.onSession,
      onFresh: handlers.onFresh,
      onEnd: handleEnd,
    });
  }

  function handleEnd(closed: Closed, openMs: number | null): void {
    isOpen = false;
    attempt = null;
    if (openMs !== null && openMs >= STABLE_MS) {
      failures = 0;
      isTicketNew = false;
    }
    reason = closed.code ?? reason;
    const isNextAtOnce = noteEnd(order, presence, closed, openMs !== null);
    if (isNextAtOnce) planTry(0, performance.now());
    else if (closed.isSilent === true) retry(0);
    else if (closed.retryable) retry(closed.retryAfterMs);
    else if (renewTicket !== undefined && !isTicketNew && RENEWABLE.has(closed.code)) void renew(renewTicket);
    else refuse(closed.code ?? 'unknown', closed.detail);
  }

  function retry(hintMs: number): void {
    planTry(retryDelayMs(failures++, hintMs, Math.random()), performance.now() + retryFloorMs(hintMs));
  }

  function planTry(delayMs: number, floorAt: number): void {
    nextTry.plan(delayMs, floorAt);
    tellRetrying(delayMs);
  }

  function tellRetrying(delayMs: number): void {
    const code = presence.isMissing() ? 'no_gateway' : reason;
    handlers.onConnection({ status: 'retrying', code, retryAt: Date.now() + Math.round(delayMs) });
  }

  async function renew(ask: () => Promise<string>): Promise<void> {
    tellRetrying(0);
    let renewed: unknown = null;
    try {
      renewed = await ask();
    } catch {
      // The error is the caller's own and may contain anything, so it is not passed on.
    }
    if (isOver) return;
    if (typeof renewed !== 'string' || renewed === '') {
      refuse('unauthenticated', 'the ticket is no longer valid, and renewTicket rejected or returned no text');
      return;
    }
    ticket = renewed;
    isTicketNew = true;
    isFromStart = true;
    connect();
  }

  function refuse(code: RefusalCode, detail: string | null): void {
    isOver = true;
    handlers.onConnection({ status: 'refused', code, detail });
  }

  queueMicrotask(connect);

  return {
    ticket: () => ticket,
    setVisible(isVisible) {
      visible = isVisible;
      attempt?.setVisible(isVisible);
    },
    reconnect() {
      if (isOpen) attempt?.drop();
    },
    hurry(why) {
      const delayMs = nextTry.hurry(hurryDelayMs(why, Math.random()));
      if (delayMs !== null) tellRetrying(delayMs);
    },
    close() {
      isOver = true;
      nextTry.cancel();
      attempt?.close();
    },
  };
}

/** @returns whether to try the next transport at once */
function noteEnd(order: TransportOrder, presence: GatewayPresence, closed: Closed, wasOpen: boolean): boolean {
  presence.ended(order.current().name, closed, wasOpen);
  if (closed.isSilent === true) return order.silent(wasOpen);
  if (wasOpen) order.lost();
  else if (closed.code !== null) order.refused();
  else order.failed();
  return false;
}

/**
 * How many requests a try may begin with. socket.io-client tries polling first and then its
 * WebSocket.
 */
function requestsOf({ name }: Transport): number {
  return name === 'socket.io' ? 2 : 1;
}
