/**
 * The page's connection to the gateway: one Socket.IO connection, and the rules of coming back.
 *
 * The library's own reconnection is off: it jitters by half at most, knows no hint of the server, and does not come back from a refused
 * handshake or a disconnect by the server at all. Here every way of losing the connection ends in `#retry` (full jitter above the
 * server's hint, `retry.ts`), unless the server said that coming back is of no use. Tries go on, at most one per backoff, until then or
 * until `close()`: the ticket runs out some day, and that refusal is final.
 */

import type { Closing } from '@qrcast/core/close-codes';
import type { StreamError } from '@qrcast/core/errors';
import type { Fresh, WireSession } from '@qrcast/core/wire';
import { io, type Socket } from 'socket.io-client';
import type { Connection } from './model.ts';
import { parseRefusal, type RefusalCode, retryDelayMs, toRefusalCode } from './retry.ts';

export type Answer = { readonly ok: true } | { readonly ok: false; readonly error: Pick<StreamError, 'code'> };

export interface StreamHandlers {
  onConnection(connection: Connection): void;
  onSession(session: WireSession): void;
  onFresh(fresh: Fresh): void;
}

export interface StreamOptions {
  readonly ticket: string;
  /** Whether anybody can see the page; a hidden one does not count as a viewer. */
  readonly isVisible: () => boolean;
}

/** Calls never throw: what does not get through, or is not answered in time, is `unavailable`. */
export interface Stream {
  resume(sessionId: string): Promise<Answer>;
  /** The password is sent over a live connection or not at all: it is never kept for a later one. */
  sendPassword(sessionId: string, password: string): Promise<Answer>;
  sendVisibility(): void;
  /** Asks for the current state anew. */
  reconnect(): void;
  /** The network may be back: a pending try need not wait longer than the server's hint. */
  hurry(): void;
  close(): void;
}

interface ServerEvents {
  session(session: WireSession): void;
  fresh(fresh: Fresh): void;
  closing(closing: Closing): void;
  draining(hint: { readonly retryAfterMs: number }): void;
}

interface ClientEvents {
  visible(state: { visible: boolean }): void;
  resume(request: { sessionId: string }, ack: (answer: Answer) => void): void;
  password(request: { sessionId: string; password: string }, ack: (answer: Answer) => void): void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const RESUME_TIMEOUT_MS = 15_000;
/** The provider may think about a password for a minute. */
const PASSWORD_TIMEOUT_MS = 75_000;
/** A connection that lasted this long was a good one: the next backoff starts from the beginning. */
const STABLE_MS = 10_000;

const UNAVAILABLE: Answer = { ok: false, error: { code: 'unavailable' } };

export function openStream(options: StreamOptions, handlers: StreamHandlers): Stream {
  return new SocketStream(options, handlers);
}

class SocketStream implements Stream {
  readonly #socket: Socket<ServerEvents, ClientEvents>;
  readonly #options: StreamOptions;
  readonly #handlers: StreamHandlers;
  #isOver = false;
  #failures = 0;
  #openedAt = 0;
  /** What the server said about its leaving, until it is back. */
  #hint: { readonly code: RefusalCode | null; readonly floorMs: number } = { code: null, floorMs: 0 };
  #pending: { readonly timer: ReturnType<typeof setTimeout>; readonly floorAt: number } | undefined;

  constructor(options: StreamOptions, handlers: StreamHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#socket = io({
      auth: { ticket: options.ticket },
      transports: ['websocket', 'polling'],
      // Without this the second transport is never tried.
      tryAllTransports: true,
      reconnection: false,
      timeout: CONNECT_TIMEOUT_MS,
    });
    this.#listen();
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('connect', () => this.#handleConnect());
    socket.on('session', (session) => this.#handlers.onSession(session));
    socket.on('fresh', (fresh) => this.#handlers.onFresh(fresh));
    socket.on('draining', ({ retryAfterMs }) => this.#expectLeaving('draining', retryAfterMs));
    socket.on('closing', (closing) => this.#handleClosing(closing));
    socket.on('disconnect', () => this.#handleDisconnect());
    socket.on('connect_error', (error) => this.#handleConnectError(error));
  }

  #handleConnect(): void {
    this.#openedAt = performance.now();
    this.#hint = { code: null, floorMs: 0 };
    this.#handlers.onConnection({ kind: 'open' });
    if (!this.#options.isVisible()) this.sendVisibility();
  }

  #handleClosing({ code, retryable, retryAfterMs }: Closing): void {
    if (retryable) this.#expectLeaving(code, retryAfterMs ?? 0);
    else this.#refuse(toRefusalCode(code));
  }

  #expectLeaving(code: RefusalCode, retryAfterMs: number): void {
    this.#hint = { code, floorMs: Math.max(this.#hint.floorMs, retryAfterMs) };
  }

  #handleDisconnect(): void {
    if (performance.now() - this.#openedAt >= STABLE_MS) this.#failures = 0;
    this.#retry();
  }

  #handleConnectError(error: Error & { data?: unknown }): void {
    const refusal = parseRefusal(error.data);
    if (!refusal.isRetryable) {
      this.#refuse(refusal.code);
      return;
    }
    // A network failure (no data) does not unsay what the server gave as its reason for leaving.
    if (error.data !== undefined) this.#expectLeaving(refusal.code, refusal.retryAfterMs);
    this.#retry();
  }

  #retry(): void {
    if (this.#isOver || this.#pending !== undefined) return;
    const { code, floorMs } = this.#hint;
    this.#hint = { code, floorMs: 0 };
    const delayMs = retryDelayMs(this.#failures++, floorMs, Math.random());
    this.#pending = { timer: setTimeout(() => this.#connect(), delayMs), floorAt: performance.now() + floorMs };
    this.#handlers.onConnection({ kind: 'lost', code });
  }

  #connect(): void {
    clearTimeout(this.#pending?.timer);
    this.#pending = undefined;
    this.#socket.connect();
  }

  #refuse(code: RefusalCode): void {
    if (this.#isOver) return;
    this.close();
    this.#handlers.onConnection({ kind: 'refused', code });
  }

  async resume(sessionId: string): Promise<Answer> {
    return this.#call(() => this.#socket.timeout(RESUME_TIMEOUT_MS).emitWithAck('resume', { sessionId }));
  }

  async sendPassword(sessionId: string, password: string): Promise<Answer> {
    return this.#call(() => this.#socket.timeout(PASSWORD_TIMEOUT_MS).emitWithAck('password', { sessionId, password }));
  }

  // The socket keeps what is sent while it is not connected, and sends it later; no call of ours may wait like that.
  async #call(send: () => Promise<Answer>): Promise<Answer> {
    if (!this.#socket.connected) return UNAVAILABLE;
    try {
      return await send();
    } catch {
      // The library's only errors here: not answered in time, and disconnected before the answer.
      return UNAVAILABLE;
    }
  }

  sendVisibility(): void {
    if (this.#socket.connected) this.#socket.emit('visible', { visible: this.#options.isVisible() });
  }

  reconnect(): void {
    // Its `disconnect` event leads to `#retry`, as if the connection had been lost.
    if (this.#socket.connected) this.#socket.disconnect();
  }

  hurry(): void {
    if (this.#pending !== undefined && performance.now() >= this.#pending.floorAt) this.#connect();
  }

  close(): void {
    this.#isOver = true;
    clearTimeout(this.#pending?.timer);
    this.#pending = undefined;
    this.#socket.disconnect();
  }
}
