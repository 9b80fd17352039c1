/**
 * The outcome of one request to the provider. `packages/provider` maps every possible answer,
 * malformed ones included, to exactly one outcome. The session reducer knows nothing else of the
 * provider. Outcomes are values; only a fault of our own is an exception.
 */

/**
 * What to ask the provider. Each method is one HTTP request. `qr`, the code method, is the usual
 * one; the others confirm, prepare or verify.
 */
export type PollMethod = 'qr' | 'state' | 'account' | 'logout';

/** Troubles that do not end an attempt: `notice.code` on the wire. */
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
  | 'login_finishing'
  | 'provider_slow';

/** Those troubles that an answer of the provider can bring. */
export type TroubleCode = Exclude<NoticeCode, 'password_rejected' | 'password_rate_limited' | 'login_finishing' | 'provider_slow'>;

/** Refusals that end a session once the provider has repeated them. */
export type RefusalReason = 'credentials_rejected' | 'instance_deleted' | 'instance_expired' | 'instance_blocked';

/**
 * The linked account. A field is null if it is not known. `wid` is like
 * `79990000000@c.us`, `phone` is digits only.
 */
export interface Account {
  readonly wid: string | null;
  readonly phone: string | null;
}

export type Outcome =
  /**
   * A picture to scan. `image` is a `data:image/png;base64,…` URL. `digest` names its bytes: equal
   * digests mean equal pictures. `text` is what the picture says, null if nobody has read it.
   */
  | { readonly kind: 'code'; readonly image: string; readonly digest: string; readonly text: string | null }
  /** The instance is linked. `account` is null if the method does not name the account. */
  | { readonly kind: 'authorized'; readonly account: Account | null }
  /** The instance is healthy, not linked, and waits for a scan. */
  | { readonly kind: 'notAuthorized' }
  /** The code was scanned, and the account's cloud password is needed. */
  | { readonly kind: 'passwordWanted' }
  /**
   * The provider has restricted the account, and names no phone. That proves no login: instances
   * that had lost their login were put into this state by mistake (green-api/issues #1062).
   */
  | { readonly kind: 'suspended' }
  /**
   * The request failed. `retryAfterMs` is set only if the provider named one.
   * `isUnanswered` means that no answer came at all, so the host may be dead.
   */
  | { readonly kind: 'trouble'; readonly code: TroubleCode; readonly retryAfterMs?: number; readonly isUnanswered?: true }
  /** The provider says this instance or these credentials cannot work. */
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  /** The logout was accepted. Codes may take a minute or two to come. */
  | { readonly kind: 'loggedOut' };

/** The outcome of sending an account's cloud password to the provider. */
export type PasswordOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'rejected'; readonly code: 'password_rejected' | 'password_rate_limited' }
  /** The provider does not expect a password any more. A code must be scanned again. */
  | { readonly kind: 'notExpected' }
  | { readonly kind: 'trouble'; readonly code: TroubleCode; readonly retryAfterMs?: number };
