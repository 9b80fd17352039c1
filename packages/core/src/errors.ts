/**
 * The codes of `application/problem+json` answers and of refused subscriptions: one table, used by
 * every transport.
 */

import { z } from 'zod';
import { type LimitName, limitNameSchema } from './tenant-limits.ts';
import { type WireSession, wireSessionSchema } from './wire.ts';

interface ErrorKind {
  readonly status: number;
  readonly title: string;
  readonly retryable: boolean;
}

export const ERRORS = {
  invalid_request: { status: 400, title: 'The request is not valid', retryable: false },
  unauthenticated: { status: 401, title: 'No valid credential', retryable: false },
  forbidden: { status: 403, title: 'The credential does not allow this', retryable: false },
  origin_not_allowed: { status: 403, title: 'This origin is not allowed', retryable: false },
  upstream_not_allowed: { status: 403, title: 'This provider host is not allowed', retryable: false },
  not_found: { status: 404, title: 'Not found', retryable: false },
  no_code: { status: 404, title: 'The session shows no code now', retryable: true },
  not_resumable: { status: 409, title: 'The session cannot be resumed', retryable: false },
  not_waiting_for_password: { status: 409, title: 'The session does not need a password', retryable: false },
  attempt_live: { status: 409, title: 'An attempt of the instance is under way', retryable: true },
  credentials_gone: { status: 409, title: 'The session has no provider token any more', retryable: false },
  webhook_url_differs: { status: 409, title: 'The instance notifies another address', retryable: false },
  webhook_busy: { status: 409, title: 'The webhook of the instance is being set', retryable: true },
  public_url_unknown: { status: 409, title: 'The gateway does not know its public address', retryable: false },
  session_expired: { status: 410, title: 'The session has expired', retryable: false },
  body_too_large: { status: 413, title: 'The body is too large', retryable: false },
  unsupported_media_type: { status: 415, title: 'The body has a type or coding that is not supported', retryable: false },
  password_rejected: { status: 422, title: 'The provider did not accept the password', retryable: true },
  too_many_requests: { status: 429, title: 'Too many requests', retryable: true },
  tenant_limit_reached: { status: 429, title: 'A limit of the tenant is reached', retryable: true },
  unavailable: { status: 503, title: 'Not available for now', retryable: true },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export const errorCodeSchema = z
  .enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]])
  .meta({ id: 'ErrorCode', description: 'For programs: what is wrong' }); // never empty

interface RefusalOptions {
  readonly retryAfterMs?: number;
  readonly limit?: LimitName;
  readonly session?: WireSession;
  readonly cause?: unknown;
}

/**
 * A refusal, as the caller sees it. `detail` says what was expected, what came and what to do. It
 * never holds a secret.
 */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: ErrorCode;
  /** If retrying helps, wait at least this long, ms. */
  readonly retryAfterMs: number | undefined;
  /** Which limit refused the call. */
  readonly limit: LimitName | undefined;
  /** The session that explains the refusal, as it is now. */
  readonly session: WireSession | undefined;

  constructor(code: ErrorCode, detail: string, options: RefusalOptions = {}) {
    super(detail, { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.limit = options.limit;
    this.session = options.session;
  }
}

/** The caller is not told whether the session is somebody else's, over, or never was. */
export const NO_SUCH_SESSION = 'there is no such session, or it is not yours';

export const noSuchSession = (): RefusedError => new RefusedError('not_found', NO_SUCH_SESSION);

/** The body of RFC 9457. `type` is a URN, because a client needs no page to distinguish the codes. */
export const problemSchema = z
  .object({
    type: z.string().describe('`urn:qrcast:error:` and the code'),
    title: z.string().describe('What the code means'),
    status: z.number().int().describe('The HTTP status'),
    detail: z.string().describe('For people: what was expected, what came and what to do. Never contains a secret'),
    code: errorCodeSchema,
    retryable: z.boolean().describe('Whether the same call may succeed later'),
    retryAfterMs: z.number().int().nonnegative().optional().describe('Wait at least this long before the next try, ms'),
    limit: limitNameSchema.optional().describe('The limit that was reached'),
    session: wireSessionSchema.optional().describe('The session as it is now, if that explains the refusal'),
  })
  .meta({ id: 'Problem', description: 'Why a call was refused (RFC 9457).' });

export type Problem = Readonly<z.infer<typeof problemSchema>>;

export function toProblem(error: RefusedError): Problem {
  const kind = ERRORS[error.code];
  return {
    type: `urn:qrcast:error:${error.code}`,
    title: kind.title,
    status: kind.status,
    detail: error.message,
    code: error.code,
    retryable: kind.retryable,
    ...hintsOf(error),
    ...(error.session === undefined ? {} : { session: error.session }),
  };
}

function hintsOf({ retryAfterMs, limit }: RefusedError): Pick<StreamError, 'retryAfterMs' | 'limit'> {
  return { ...(retryAfterMs === undefined ? {} : { retryAfterMs }), ...(limit === undefined ? {} : { limit }) };
}

/** A refused call on a stream. */
export interface StreamError {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly limit?: LimitName;
}

export function toStreamError(error: RefusedError): StreamError {
  return { code: error.code, detail: error.message, retryable: ERRORS[error.code].retryable, ...hintsOf(error) };
}
