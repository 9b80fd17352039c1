/**
 * What the gateway says: its session object and its codes. Every time is in Unix milliseconds on
 * the server's clock. A test compares `Session` and `Fresh` with the gateway's own schema.
 */

export type SessionState = 'idle' | 'waiting' | 'showing' | 'password' | 'connected' | 'ended';

/**
 * What is going on while an attempt continues. A newer gateway may send a code that is not listed
 * here. Treat it as a temporary problem: the attempt has not ended.
 */
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
  /** The code was scanned and the provider is finishing the login. Do not ask for another scan. */
  | 'login_finishing'
  /** The provider answers most requests slowly, so a code takes longer than usual. */
  | 'provider_slow';

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

/** A code to scan. */
export interface Code {
  /** The picture, a `data:image/png;base64,…` URL; null if `formats` left it out. */
  readonly image: string | null;
  /** What the picture encodes; null if it could not be read or `formats` left it out. */
  readonly text: string | null;
  /** When the provider issued the code. */
  readonly issuedAt: number;
  /** Do not show the code at or after this time. `SessionWatch` removes it for you. */
  readonly staleAt: number;
}

/** One login session, complete, as it was at `serverNow`. */
export interface Session {
  readonly id: string;
  /** The instance at the provider. */
  readonly instanceId: string;
  /** Your backend's own id for the session, if it gave one. */
  readonly reference: string | null;
  /** Rises with every change of this session. */
  readonly version: number;
  readonly state: SessionState;
  /** Only in the state `showing`. */
  readonly code: Code | null;
  /**
   * What is going on while the attempt continues. `retryAt`: when the provider is asked next. For
   * `password_rejected` and `password_rate_limited`: when the refusal came.
   */
  readonly notice: { readonly code: NoticeCode; readonly retryAt: number } | null;
  /**
   * Only in the state `connected`. `wid` is like `79990000000@c.us`, `phone` has digits only. Each
   * is null if the provider did not send it.
   */
  readonly account: { readonly wid: string | null; readonly phone: string | null } | null;
  /** Only in the state `ended`. `resumable`: `resume()` can begin a new attempt. */
  readonly end: { readonly reason: EndReason; readonly resumable: boolean } | null;
  /** How many viewers watch now, over all gateways. May lag by some seconds. */
  readonly viewers: number;
  /** The language that your backend asked for, a BCP 47 tag. */
  readonly locale: string | null;
  /** Where the person continues after the login. */
  readonly returnUrl: string | null;
  /** When the current attempt began. */
  readonly startedAt: number;
  /** When the current attempt ends. Has no meaning in the state `idle`. */
  readonly deadlineAt: number;
  /** When the session itself ends. */
  readonly expiresAt: number;
  /** When the gateway made this object. */
  readonly serverNow: number;
}

/** The provider confirmed the same code again. Only its `staleAt` and the version changed. */
export interface Fresh {
  /** The session's id. */
  readonly id: string;
  readonly version: number;
  readonly staleAt: number;
}

export type Format = 'image' | 'text';

/**
 * Why a connection ended or was refused: an error code or close code of the protocol, or one of the
 * last two, which only a client can know.
 */
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
  /**
   * Several responses came from this address, none of them from a gateway, so the address is
   * probably wrong. The client keeps trying.
   */
  | 'no_gateway'
  /** A code that this version of the client does not know. */
  | 'unknown';
