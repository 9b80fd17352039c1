/**
 * Why a connection ended, and whether reconnecting can help. The range of the close number decides,
 * also for a number that this version does not know. After 1012 and 4000–4499 the client
 * reconnects. After 1000 and 4500–4999 it does not, unless something changes. Anything else is a
 * network failure, and worth another try.
 */

import { isObject } from './messages.ts';
import type { Closed, RefusalCode } from './types.ts';

/** Each code's close number. For a code without one: whether reconnecting can help. */
const CODES = {
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
  tenant_limit_reached: true,
  invalid_request: false,
  origin_not_allowed: false,
} as const satisfies Partial<Record<RefusalCode, number | boolean>>;

const KNOWN: ReadonlyMap<string, number | boolean> = new Map(Object.entries(CODES));

/** No reason was given: the network, or something between here and the gateway. */
export const LOST: Closed = { code: null, detail: null, retryable: true, retryAfterMs: 0 };

/** Nothing arrived in time. A proxy may swallow just this kind of connection. */
export const SILENT: Closed = { ...LOST, isSilent: true };

/** Something other than a gateway responded. */
export const FOREIGN: Closed = { ...LOST, isForeign: true };

export const DONE: Closed = { ...LOST, code: 'done', retryable: false };

/** @param number of a WebSocket's close event */
export function closedByNumber(number: number): Closed {
  const known = [...KNOWN.keys()].find((code) => KNOWN.get(code) === number);
  if (known === undefined && !(number >= 4000 && number <= 4999)) return LOST;
  return { ...LOST, code: toCode(known), retryable: canReconnect(number) };
}

/** Reads a `draining` message: how the connection ends if the server gives no other reason. */
export function parseDraining(value: unknown): Closed {
  return parseClosed({ ...(isObject(value) ? value : {}), code: 'draining' }) ?? LOST;
}

/**
 * Reads what the server said: a problem, a refused call of a stream, a `closing` event, or the data
 * of a `connect_error`. Returns null if it is none of these. A known code takes precedence over the
 * flag `retryable`, because whether to retry must not depend on an optional field.
 */
export function parseClosed(value: unknown): Closed | null {
  if (!isObject(value)) return null;
  const { code, number, detail, retryable, retryAfterMs } = value;
  if (typeof code !== 'string') return null;
  return {
    code: toCode(code),
    detail: typeof detail === 'string' ? detail : null,
    retryable: canReconnect(KNOWN.get(code) ?? (typeof number === 'number' ? number : retryable !== false)),
    retryAfterMs: readHint(retryAfterMs),
  };
}

/**
 * @returns ms; 0 for none. Infinity is possible, because JSON may hold a number too large for
 *   JavaScript
 */
export function readHint(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0;
}

/** @param rule a close number, or the answer itself */
function canReconnect(rule: number | boolean): boolean {
  return typeof rule === 'boolean' ? rule : rule !== 1000 && !(rule >= 4500 && rule <= 4999);
}

function toCode(code = ''): RefusalCode {
  return KNOWN.has(code) ? (code as keyof typeof CODES) : 'unknown'; // a key of it
}
