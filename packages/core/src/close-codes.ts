import { z } from 'zod';
import type { ErrorCode } from './errors.ts';

/**
 * Why a stream is closed. The range of the number tells a client what to do. After 1012 and
 * 4000–4499 it reconnects, with full jitter and at least the delay that the server asks for. After
 * 1000 and 4500–4999 it does not reconnect without changing something.
 */
export const CLOSE_CODES = {
  done: 1000,
  draining: 1012,
  unavailable: 4000,
  slow_consumer: 4001,
  too_many_requests: 4002,
  invalid_message: 4500,
  unauthenticated: 4501,
  forbidden: 4503,
  not_found: 4504,
  session_expired: 4505,
  ticket_expired: 4506,
  ticket_revoked: 4507,
  subscribe_timeout: 4508,
  message_too_large: 4509,
} as const;

export type CloseReason = keyof typeof CLOSE_CODES;

export const closeReasonSchema = z
  .enum(Object.keys(CLOSE_CODES) as [CloseReason, ...CloseReason[]])
  .meta({ id: 'CloseReason', description: 'Why the connection is closed, for programs' }); // never empty

export function isRetryableClose(reason: CloseReason): boolean {
  const number = CLOSE_CODES[reason];
  return number === 1012 || (number >= 4000 && number < 4500);
}

/** The `closing` event of transports that cannot carry a close code. */
export interface Closing {
  readonly code: CloseReason;
  readonly number: number;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

export function toClosing(reason: CloseReason, retryAfterMs?: number): Closing {
  const closing = { code: reason, number: CLOSE_CODES[reason], retryable: isRetryableClose(reason) };
  return retryAfterMs === undefined ? closing : { ...closing, retryAfterMs };
}

/**
 * The close code of a stream whose first and only subscription was refused. Null if the client can
 * simply send a better subscription.
 */
export function closeReasonOf(code: ErrorCode): CloseReason | null {
  switch (code) {
    case 'unauthenticated':
    case 'forbidden':
    case 'not_found':
    case 'session_expired':
    case 'unavailable':
    case 'too_many_requests':
      return code;
    case 'origin_not_allowed':
      return 'forbidden';
    case 'tenant_limit_reached':
      return 'too_many_requests';
    default:
      return null;
  }
}
