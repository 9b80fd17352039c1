/**
 * The types of `@qrcast/client`. They import nothing outside this package, so installing it is
 * enough to use them.
 */

import type { EndReason, Format, Fresh, RefusalCode, Session } from './protocol.ts';

export type { Code, EndReason, Format, Fresh, NoticeCode, RefusalCode, Session, SessionState } from './protocol.ts';

export type TransportName = 'websocket' | 'sse' | 'long-poll' | 'socket.io';

export type Connection =
  /** The first try. Every later try is `retrying`. */
  | { readonly status: 'connecting' }
  | { readonly status: 'open'; readonly transport: TransportName }
  /**
   * The connection is lost until it is `open` again. The next try begins at `retryAt`, by this
   * machine's `Date.now()`; if that has passed, it is under way. `code` is the reason if the server
   * gave one, or `no_gateway`.
   */
  | { readonly status: 'retrying'; readonly code: RefusalCode | null; readonly retryAt: number }
  /** There are no more tries, because the server said that reconnecting cannot help. */
  | { readonly status: 'refused'; readonly code: RefusalCode; readonly detail: string | null }
  /** There are no more tries, because the session is final or `close()` was called. */
  | { readonly status: 'closed' };

/** What a screen shows, as one immutable value. It is a new object after every change. */
export interface Snapshot {
  /**
   * The newest state; null until the first one arrives. Its `code` becomes null at `staleAt` on the
   * server's clock, even without a connection. So you may always show what is here.
   */
  readonly session: Session | null;
  readonly connection: Connection;
}

/** The events of a watch and what each comes with. */
export interface WatchEvents {
  /** A newer state, complete. */
  session: Session;
  /** The provider confirmed the code: the session with its later `staleAt`. */
  fresh: Session;
  /** The code has expired and must be hidden: the session without its code. */
  stale: Session;
  connection: Connection;
  /** The session is connected, or ended for good. This is the last event. */
  final: Session;
}

/** An event as the iterator yields it. */
export type WatchEvent = { [K in keyof WatchEvents]: { readonly type: K; readonly data: WatchEvents[K] } }[keyof WatchEvents];

/**
 * The result of a call of `SessionWatch`. `ok: true` means that the gateway accepted it; the new
 * state follows as an event.
 */
export type CallResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly error: {
        /**
         * An error code of the protocol, such as `password_rejected`. `unavailable` also if the
         * network failed.
         */
        readonly code: string;
        /**
         * What was expected, what came and what to do, in English. For your logs, not for people.
         */
        readonly detail: string;
        /** Whether the same call can succeed later. */
        readonly retryable: boolean;
        /** How long to wait at least, in ms, if the gateway said so. At most 60,000. */
        readonly retryAfterMs?: number;
      };
    };

export interface WatchOptions {
  /** The gateway, for example `https://qrcast.example.com`. A path is kept. */
  readonly url: string;
  /** The ticket that your backend received with the session. */
  readonly ticket: string;
  /**
   * Default `auto`: WebSocket, then Server-Sent Events, then long-poll. For Socket.IO pass
   * `socketIo(io)` from `@qrcast/client/socket-io`.
   */
  readonly transport?: 'auto' | 'websocket' | 'sse' | 'long-poll' | Transport;
  /** Which forms of the code to receive. Default: both. The text alone is many times smaller. */
  readonly formats?: readonly Format[];
  /**
   * Called for a new ticket when the gateway no longer accepts the old one (`unauthenticated`,
   * `ticket_expired`), once for each such refusal. The watch becomes `refused` if this function
   * rejects, or if the gateway refuses the new ticket at once. The new ticket may be for another
   * session; the watch then follows that one.
   */
  readonly renewTicket?: () => Promise<string>;
  /** Closes the watch when aborted, like `close()`. */
  readonly signal?: AbortSignal;
  /**
   * Whether anybody can see the code. Codes are made only while somebody can. Default: the
   * document's visibility, or true where there is no document. `setVisible` overrides it.
   */
  readonly visible?: boolean;
}

/**
 * One watched session. Iterating yields the current state first: the connection, and the session if
 * there is one. The iteration ends when the watch does. A slow reader skips to the newest state and
 * never misses the final one. Leaving the loop does not close the watch; `close()` or `signal`
 * does.
 */
export interface SessionWatch extends AsyncIterable<WatchEvent> {
  /** What may be shown now. The same object until something changes. */
  readonly snapshot: Snapshot;
  /** Calls `onChange` after every change of `snapshot`. Returns a function that unsubscribes. */
  subscribe(onChange: () => void): () => void;
  /** Calls `listener` for every event of one type. Returns a function that removes it. */
  on<K extends keyof WatchEvents>(type: K, listener: (data: WatchEvents[K]) => void): () => void;
  /** The server's time now, Unix ms, for a countdown to `staleAt`. Null until the first state. */
  serverNow(): number | null;
  /**
   * Sends the account's cloud password in one HTTP request of its own. It is never stored, queued
   * for later or repeated. The result comes within 40 s. Never rejects.
   */
  sendPassword(password: string): Promise<CallResult>;
  /** Begins a new attempt after a resumable end. The result comes within 15 s. Never rejects. */
  resume(): Promise<CallResult>;
  /**
   * Leaves the state `password` for a new code. For a person who has no password or scanned with
   * the wrong account. A session allows it three times. The instance is logged out, which may take
   * seconds. If the login was completed in the meantime, the result is `not_waiting_for_password`.
   * The result comes within 40 s. Never rejects.
   */
  startOver(): Promise<CallResult>;
  /**
   * Says whether anybody can see the code. A hidden watch stays connected but requests no codes.
   * Null follows the document's visibility again, as without the option `visible`.
   */
  setVisible(visible: boolean | null): void;
  /** Closes the watch and removes the code from `snapshot`. Can be called again. */
  close(): void;
}

/** The limit on the requests of one watch: at most 2 in any second. */
export interface RequestPace {
  /**
   * How long, in ms, until `requests` more (1 or 2, default 1) may begin; 0 if they may begin now.
   */
  waitMs(requests?: number): number;
  /** Counts `requests` (default 1) as begun now. */
  take(requests?: number): void;
}

/** What `Transport.open` receives. */
export interface OpenRequest {
  /** The gateway, without a slash at the end. */
  readonly url: string;
  readonly ticket: string;
  readonly formats: readonly Format[] | undefined;
  /** The version of the newest state that the client has; 0 for none. */
  readonly after: number;
  readonly visible: boolean;
  /**
   * For transports that make several requests: they take every request after the first from here.
   */
  readonly pace?: RequestPace;
}

/** How a connection ended. */
export interface Closed {
  /** Null if the server gave no reason, as when the network fails. */
  readonly code: RefusalCode | null;
  readonly detail: string | null;
  /** Whether reconnecting can help. */
  readonly retryable: boolean;
  /**
   * How long to wait at least, in ms, if the server said so; else 0. Above 60,000 it counts as
   * 60,000.
   */
  readonly retryAfterMs: number;
  /** Nothing arrived in time over this transport. Another transport may work. */
  readonly isSilent?: true;
  /**
   * Something other than a gateway responded, for example with 404 or an HTML page, and not only
   * temporarily.
   */
  readonly isForeign?: true;
}

/** What a transport reports. It calls these asynchronously, never from within `open`. */
export interface TransportHandlers {
  /** The gateway responded, so this transport works here. At most once. */
  onOpen(): void;
  onSession(session: Session): void;
  onFresh(fresh: Fresh): void;
  /** The connection ended. Called once, last, and not after `close()`. */
  onClosed(closed: Closed): void;
}

/** A connection that `Transport.open` made. */
export interface TransportConnection {
  setVisible(visible: boolean): void;
  close(): void;
}

/**
 * Opens one connection to the gateway and reports how it ends. The watch decides when to reconnect.
 */
export interface Transport {
  readonly name: TransportName;
  open(request: OpenRequest, handlers: TransportHandlers): TransportConnection;
}

/**
 * What the gateway's hosted page posts to the page that opened or framed it. It posts only to the
 * exact origins that the tenant allows. Check that `event.origin` is the gateway's, then check
 * `type` and `version`.
 */
export interface LoginResultMessage {
  readonly type: 'qrcast.result';
  /**
   * The version of this message. Fields may be added to version 1; a change of meaning gets a new
   * number.
   */
  readonly version: 1;
  readonly sessionId: string;
  readonly state: 'connected' | 'ended';
  /** Null if connected. */
  readonly endReason: EndReason | null;
  /** The person can still get a new code on that page, so another result may follow. */
  readonly resumable: boolean;
}
