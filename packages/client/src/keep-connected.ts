/**
 * Keeps one connection to the gateway, never two, and comes back when it is lost.
 *
 *   connecting ──open──▶ open ──lost──▶ retrying ──timer, hurry──▶ (next try) ──▶ open …
 *       └───────────────────┴──────refused──▶ [renewTicket ──▶ next try] or the end
 *
 * Tries go on, one per backoff (`retry.ts`), until the gateway says that coming back is of no use or until `close()`: the ticket runs out
 * some day, and that refusal is final. A ticket that ran out is renewed once; one that is refused at once after that ends it.
 */

import { type Attempt, openAttempt } from './attempt.ts';
import { createGatewayPresence } from './gateway-presence.ts';
import { createRequestPace } from './request-pace.ts';
import { hurryDelayMs, retryDelayMs, retryFloorMs } from './retry.ts';
import { startTimer } from './timer.ts';
import { createTransportOrder } from './transports/transport-order.ts';
import type { Closed, Connection, Format, Fresh, RefusalCode, RequestPace, Session, Transport } from './types.ts';

export interface Route {
  readonly url: string;
  readonly ticket: string;
  readonly formats: readonly Format[] | undefined;
  /** Best first. */
  readonly transports: readonly [Transport, ...Transport[]];
  readonly renewTicket: (() => Promise<string>) | undefined;
  /** Shared with whatever else asks for this watch; its own if left out. */
  readonly pace?: RequestPace;
  /** At first. */
  readonly visible: boolean;
}

export interface ConnectedHandlers {
  /** Version of the newest state there is; 0 asks for whatever there is. */
  after(): number;
  /** `refused` is the last one. */
  onConnection(connection: Connection): void;
  onSession(session: Session): void;
  onFresh(fresh: Fresh): void;
}

export interface KeptConnection {
  /** As renewed last. */
  ticket(): string;
  setVisible(visible: boolean): void;
  /** Leaves an open connection for a new one. */
  reconnect(): void;
  /** Somebody looks, or the network is back: a pending try comes sooner (`hurryDelayMs`), but not before the server's hint. */
  hurry(why: 'look' | 'online'): void;
  close(): void;
}

/** A connection that lasted this long was a good one: the next backoff starts from the beginning, and its ticket has proven itself. */
const STABLE_MS = 10_000;

const RENEWABLE: ReadonlySet<RefusalCode | null> = new Set(['unauthenticated', 'ticket_expired']);

/** Begins within the next microtask, so that whoever asked for it can still listen, or think better of it. */
export function keepConnected(route: Route, handlers: ConnectedHandlers): KeptConnection {
  const { url, formats, transports, renewTicket, pace = createRequestPace(), ...first } = route;
  const order = createTransportOrder(transports);
  const presence = createGatewayPresence();
  let { ticket, visible } = first;
  let isOver = false;
  let attempt: Attempt | null = null;
  let isOpen = false;
  let failures = 0;
  /** Renewed, and not proven by a connection that lasted. */
  let isTicketNew = false;
  /** Asks for the whole state: a new ticket may be another session's. */
  let isFromStart = false;
  let pending: { readonly timer: ReturnType<typeof setTimeout>; readonly at: number; readonly floorAt: number } | null = null;
  /** What the server said about its leaving, until it is back: a network failure does not unsay it. */
  let reason: RefusalCode | null = null;

  function connect(): void {
    if (isOver) return;
    const transport = order.current();
    const requests = requestsOf(transport);
    const waitMs = pace.waitMs(requests);
    if (waitMs > 0) {
      wait(waitMs, performance.now() + waitMs);
      return;
    }
    pace.take(requests);
    if (pending !== null) clearTimeout(pending.timer);
    pending = null;
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
    presence.ended(order.current().name, closed, openMs !== null);
    if (closed.isSilent === true) {
      if (order.silent(openMs !== null)) schedule(0, performance.now());
      else retry(0);
      return;
    }
    if (openMs !== null) order.lost();
    else if (closed.code !== null) order.refused();
    else order.failed();
    if (closed.retryable) retry(closed.retryAfterMs);
    else if (renewTicket !== undefined && !isTicketNew && RENEWABLE.has(closed.code)) void renew(renewTicket);
    else refuse(closed.code ?? 'unknown', closed.detail);
  }

  function retry(hintMs: number): void {
    schedule(retryDelayMs(failures++, hintMs, Math.random()), performance.now() + retryFloorMs(hintMs));
  }

  function wait(delayMs: number, floorAt: number): void {
    if (pending !== null) clearTimeout(pending.timer);
    pending = { timer: startTimer(connect, delayMs), at: performance.now() + delayMs, floorAt };
  }

  function schedule(delayMs: number, floorAt: number): void {
    wait(delayMs, floorAt);
    const code = presence.isMissing() ? 'no_gateway' : reason;
    handlers.onConnection({ status: 'retrying', code, retryAt: Date.now() + Math.round(delayMs) });
  }

  async function renew(ask: () => Promise<string>): Promise<void> {
    handlers.onConnection({ status: 'retrying', code: reason, retryAt: Date.now() });
    let renewed: unknown = null;
    try {
      renewed = await ask();
    } catch {
      // The caller's own error may hold anything, so it is not repeated.
    }
    if (isOver) return;
    if (typeof renewed !== 'string' || renewed === '') {
      refuse('unauthenticated', 'the ticket is taken no more, and renewTicket gave no new one: it rejected, or resolved to no text');
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
      if (pending === null) return;
      const { at, floorAt } = pending;
      const now = performance.now();
      const sooner = Math.max(now + hurryDelayMs(why, Math.random()), floorAt);
      if (sooner < at) schedule(sooner - now, floorAt);
    },
    close() {
      isOver = true;
      if (pending !== null) clearTimeout(pending.timer);
      attempt?.close();
    },
  };
}

/** That it begins with, at the most: socket.io-client tries its polling, and then its WebSocket. */
function requestsOf({ name }: Transport): number {
  return name === 'socket.io' ? 2 : 1;
}
