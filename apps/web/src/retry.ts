/** When to come back to the gateway, and when not to. Pure; `stream.ts` owns the socket and the timer. */

import { CLOSE_CODES, type CloseReason, isRetryableClose } from '@qrcast/core/close-codes';

/** Why the page gave up: a close code, a refusal that only a handshake gives, or no usable link at all. */
export type RefusalCode = CloseReason | 'origin_not_allowed' | 'no_ticket' | 'unknown';

/** What a `connect_error` tells: nothing but `code` is promised, and a network failure has no `data` at all. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly isRetryable: boolean;
  /** Milliseconds; 0 if the server named none. */
  readonly retryAfterMs: number;
}

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** The cap keeps a returned network from being noticed much later than a person reloads the page. */
export const BACKOFF: Backoff = { baseMs: 1_000, capMs: 15_000 };

const FINAL_REFUSALS: ReadonlySet<string> = new Set(['origin_not_allowed', 'invalid_request']);

/**
 * Full jitter above the server's hint, so that viewers dropped together do not come back together.
 *
 * @param failures tries in a row that led nowhere, from 0
 * @param floorMs the server's hint
 * @param random from [0, 1)
 */
export function retryDelayMs(failures: number, floorMs: number, random: number, { baseMs, capMs }: Backoff = BACKOFF): number {
  return floorMs + random * Math.min(capMs, baseMs * 2 ** failures);
}

/** @param data of a `connect_error`, as it came from the wire */
export function parseRefusal(data: unknown): Refusal {
  const { code, retryable, retryAfterMs } = ((typeof data === 'object' ? data : null) as Partial<Record<string, unknown>>) ?? {};
  return {
    code: toRefusalCode(code),
    isRetryable: isRetryable(code, retryable),
    retryAfterMs: typeof retryAfterMs === 'number' && retryAfterMs > 0 ? retryAfterMs : 0,
  };
}

export function toRefusalCode(code: unknown): RefusalCode {
  if (code === 'origin_not_allowed') return code;
  return isCloseReason(code) ? code : 'unknown';
}

// The known codes come first: a retry that cannot help must not depend on an optional field.
function isRetryable(code: unknown, flag: unknown): boolean {
  if (isCloseReason(code)) return isRetryableClose(code);
  if (typeof code === 'string' && FINAL_REFUSALS.has(code)) return false;
  return flag !== false;
}

function isCloseReason(code: unknown): code is CloseReason {
  return typeof code === 'string' && Object.hasOwn(CLOSE_CODES, code);
}
