/**
 * The words of `@qrcast/client`. They stand alone: whoever installs the package needs nothing else for its types. A test keeps the session
 * equal to what the gateway's own schema says.
 */

export type SessionState = 'idle' | 'waiting' | 'showing' | 'password' | 'connected' | 'ended';

/** Take a code that is not listed here, from a newer gateway, as trouble: the attempt still goes on. */
export type NoticeCode =
  | 'instance_starting'
  | 'provider_not_ready'
  | 'provider_timeout'
  | 'provider_refused'
  | 'provider_unreachable'
  | 'provider_error'
  | 'rate_limited'
  | 'password_rejected'
  | 'password_rate_limited'
  /** The code was scanned, and the login is being finished: no other scan is wanted. */
  | 'login_finishing';

export type EndReason =
  | 'deadline'
  | 'provider_down'
  | 'cancelled'
  | 'credentials_rejected'
  | 'instance_deleted'
  | 'instance_expired'
  | 'instance_blocked'
  | 'account_mismatch'
  | 'expired';

export interface Code {
  /** A `data:image/png;base64,…` URL; null where `formats` left it out. */
  readonly image: string | null;
  /** What the picture says; null where nobody could read it or `formats` left it out. */
  readonly text: string | null;
  /** Unix ms of the server's clock, like every time here. */
  readonly issuedAt: number;
  /** Not to be shown at or after this moment. `SessionWatch` blanks the code by itself. */
  readonly staleAt: number;
}

export interface Session {
  readonly id: string;
  readonly instanceId: string;
  readonly reference: string | null;
  readonly version: number;
  readonly state: SessionState;
  readonly code: Code | null;
  readonly notice: { readonly code: NoticeCode; readonly retryAt: number } | null;
  readonly account: { readonly wid: string | null; readonly phone: string | null } | null;
  readonly end: { readonly reason: EndReason; readonly resumable: boolean } | null;
  readonly viewers: number;
  readonly locale: string | null;
  readonly returnUrl: string | null;
  readonly startedAt: number;
  readonly deadlineAt: number;
  readonly expiresAt: number;
  readonly serverNow: number;
}

/** The same code, confirmed again. */
export interface Fresh {
  readonly id: string;
  readonly version: number;
  readonly staleAt: number;
}

export type Format = 'image' | 'text';

export type TransportName = 'websocket' | 'sse' | 'long-poll' | 'socket.io';

/** Why a connection ended or a call was refused: a code of the protocol, or what only a client can know. */
export type RefusalCode =
  | 'done'
  | 'draining'
  | 'unavailable'
  | 'slow_consumer'
  | 'too_many_requests'
  | 'tenant_limit_reached'
  | 'invalid_message'
  | 'invalid_request'
  | 'unauthenticated'
  | 'forbidden'
  | 'origin_not_allowed'
  | 'not_found'
  | 'session_expired'
  | 'ticket_expired'
  | 'ticket_revoked'
  | 'subscribe_timeout'
  | 'message_too_large'
  /** Nothing but other answers came from this address, and none of a gateway yet: it is likely wrong. Tries go on. */
  | 'no_gateway'
  /** A code this version of the client does not know. */
  | 'unknown';

export type Connection =
  /** The first try; whatever comes later is `retrying`. */
  | { readonly status: 'connecting' }
  | { readonly status: 'open'; readonly transport: TransportName }
  /**
   * Lost, until it is `open` again; the next try is at `retryAt` (this machine's `Date.now()`), or under way if that has passed. `code`: why,
   * if the server said so, or `no_gateway`.
   */
  | { readonly status: 'retrying'; readonly code: RefusalCode | null; readonly retryAt: number }
  /** No further try: the server said that coming back is of no use. */
  | { readonly status: 'refused'; readonly code: RefusalCode; readonly detail: string | null }
  /** No further try: the session is final, or `close()` was called. */
  | { readonly status: 'closed' };

/** What a screen shows, as one immutable value: a new one for each change, the same one for none. */
export interface Snapshot {
  /**
   * The newest state; null until the first. Its `code` is null from `staleAt` on, by the server's clock, connected or not: what stands
   * here may be shown.
   */
  readonly session: Session | null;
  readonly connection: Connection;
}

export interface WatchEvents {
  /** A newer whole state. */
  session: Session;
  /** The code was confirmed: the session with its later `staleAt`. */
  fresh: Session;
  /** The code ran out and must go; the session as it is shown now, without it. */
  stale: Session;
  connection: Connection;
  /** The last word: the session is final, nothing follows. */
  final: Session;
}

/** An event as the iterator gives it. */
export type WatchEvent = { [K in keyof WatchEvents]: { readonly type: K; readonly data: WatchEvents[K] } }[keyof WatchEvents];

export type CallResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly error: {
        /** An error code of the protocol, as `password_rejected`; `unavailable` also where the network failed. */
        readonly code: string;
        readonly detail: string;
        readonly retryable: boolean;
        /** The gateway's hint, at most 60,000. */
        readonly retryAfterMs?: number;
      };
    };

export interface WatchOptions {
  /** The gateway, like `https://qrcast.example.com`. */
  readonly url: string;
  readonly ticket: string;
  /** Default `auto`: WebSocket, then Server-Sent Events, then long-poll. Socket.IO: `socketIo(io)` of `@qrcast/client/socket-io`. */
  readonly transport?: 'auto' | 'websocket' | 'sse' | 'long-poll' | Transport;
  /** Default both. */
  readonly formats?: readonly Format[];
  /**
   * Asked for a new ticket when the gateway takes the old one no more (`unauthenticated`, `ticket_expired`), once for each such refusal. If
   * it rejects, or the new ticket is refused at once, the watch is `refused`. A ticket of another session is as good: that one is watched
   * from then on.
   */
  readonly renewTicket?: () => Promise<string>;
  /** Ends the watch like `close()`. */
  readonly signal?: AbortSignal;
  /** Whether anybody can see it. Default: the document's visibility where there is a document, else true. `setVisible` overrides it. */
  readonly visible?: boolean;
}

/**
 * As an iterable it begins with what stands (the connection, and the session if there is one) and ends with the watch. A slow reader skips
 * to the latest state and never misses the final one. Leaving a loop leaves the watch open: `close()` or `signal` closes it.
 */
export interface SessionWatch extends AsyncIterable<WatchEvent> {
  /** The same object until something changes. */
  readonly snapshot: Snapshot;
  /** Calls back after every change of `snapshot`; returns its undo. */
  subscribe(onChange: () => void): () => void;
  on<K extends keyof WatchEvents>(type: K, listener: (data: WatchEvents[K]) => void): () => void;
  /** Unix ms by the server's clock; null until the first state. */
  serverNow(): number | null;
  /** Straight to the gateway in a request of its own, with its answer: never kept, never sent later or again. Never rejects. */
  sendPassword(password: string): Promise<CallResult>;
  /** A new attempt after a resumable end. Never rejects. */
  resume(): Promise<CallResult>;
  /**
   * Leaves the state `password` for a new code, three times per session: for a person without the password, or with the wrong account. The
   * instance is logged out, which may take seconds. A login that was finished meanwhile wins (`not_waiting_for_password`). Never rejects.
   */
  startOver(): Promise<CallResult>;
  /** A hidden screen stays connected, but no codes are asked for it. Null follows the document's visibility, as without the option `visible`. */
  setVisible(visible: boolean | null): void;
  /** Takes the code off `snapshot`, too. Idempotent. */
  close(): void;
}

/** How fast one watch may ask: at most 2 requests in any second. */
export interface RequestPace {
  /** Ms until so many more requests may begin; 0 for now. At most 2 at once. */
  waitMs(requests?: number): number;
  /** They begin now. */
  take(requests?: number): void;
}

/** What every transport is asked for. */
export interface OpenRequest {
  readonly url: string;
  readonly ticket: string;
  readonly formats: readonly Format[] | undefined;
  /** Version of the newest state there is; 0 for none. */
  readonly after: number;
  readonly visible: boolean;
  /** For transports that make several requests: take each one after the first from it. */
  readonly pace?: RequestPace;
}

export interface Closed {
  /** Null where nobody said why: the network. */
  readonly code: RefusalCode | null;
  readonly detail: string | null;
  readonly retryable: boolean;
  /** The server's hint, the least wait. Above 60 s it is not believed: it counts as 60 s. */
  readonly retryAfterMs: number;
  /** Nothing came in time over this transport. Another one may do better. */
  readonly isSilent?: true;
  /** Something answered that is no gateway, and not just for now, as with 404 or a page of HTML. */
  readonly isForeign?: true;
}

/** Called later, never within `open`. */
export interface TransportHandlers {
  /** The gateway answered: this transport works here. At most once. */
  onOpen(): void;
  onSession(session: Session): void;
  onFresh(fresh: Fresh): void;
  /** Once, and nothing after it. Not after `close()`. */
  onClosed(closed: Closed): void;
}

export interface TransportConnection {
  setVisible(visible: boolean): void;
  close(): void;
}

/** One way to the gateway. It opens one connection and tells its end; when to try again is not its business. */
export interface Transport {
  readonly name: TransportName;
  open(request: OpenRequest, handlers: TransportHandlers): TransportConnection;
}

/**
 * What the gateway's hosted page posts to the page that opened it or shows it in a frame. Sent only to the exact origins that the tenant
 * allows, so check `event.origin` against the gateway's, then `type` and `version`.
 */
export interface LoginResultMessage {
  readonly type: 'qrcast.result';
  /** Of this form. A later one may have more fields under the same number, and another meaning only under another. */
  readonly version: 1;
  readonly sessionId: string;
  readonly state: 'connected' | 'ended';
  /** Null if connected. */
  readonly endReason: EndReason | null;
  /** The person can still get a new code there: another result may follow. */
  readonly resumable: boolean;
}
