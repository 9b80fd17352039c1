import type { Outcome, TroubleCode } from '@qrcast/core/outcome';

/**
 * What the answers of all methods have in common. The status is judged first, then the few
 * envelopes that report a failure inside a 200. Only then does the method read its own fields.
 * Empty 401s and HTML error pages are normal here, so nothing is assumed to be JSON.
 * https://green-api.com/v3/docs/api/common-errors
 */

/**
 * One complete HTTP answer. Header names are in lower case. The body is decoded and has no
 * byte-order mark.
 */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** The failures that are possible with every method. */
export type Failure = Extract<Outcome, { kind: 'trouble' | 'refused' }>;

export type Fields = Readonly<Record<string, unknown>>;

/**
 * A 200 that the method can read. `fields` is null if the body was a JSON `null`, which means
 * "still being created" for some methods.
 */
export interface Reading {
  readonly kind: 'reading';
  readonly fields: Fields | null;
}

/**
 * A longer `Retry-After` counts as this. Otherwise one bad value would stop the polls of an
 * instance for good.
 */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/** Error texts are short, so only the beginning of a body is searched for them. */
const ERROR_TEXT_CHARACTERS = 2_000;

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * The texts of a 400, and of `{"status":false}` in a 200. The first one in this list that occurs
 * decides.
 */
const ERROR_TEXTS: readonly (readonly [text: string, failure: Failure])[] = [
  ['instance is deleted', refused('instance_deleted')],
  ['expired', refused('instance_expired')],
  ['instance in starting process', trouble('instance_starting')],
  ['instance is starting or not authorized', trouble('provider_not_ready')],
];

export function trouble(code: TroubleCode): Failure {
  return { kind: 'trouble', code };
}

export function refused(reason: Extract<Failure, { kind: 'refused' }>['reason']): Failure {
  return { kind: 'refused', reason };
}

/**
 * Judges everything that does not depend on the method. Returns a `Reading` for a 200 with a JSON
 * object or `null`.
 */
export function readAnswer(answer: Answer): Reading | Failure {
  if (answer.status !== 200) return interpretStatus(answer);
  const value = parseJson(answer.body);
  if (value === null) return { kind: 'reading', fields: null };
  if (!isFields(value)) return trouble('provider_error');
  return interpretEnvelope(value) ?? { kind: 'reading', fields: value };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function interpretStatus(answer: Answer): Failure {
  switch (answer.status) {
    case 400:
      return interpretErrorText(answer.body);
    case 401:
      return refused('credentials_rejected');
    case 403:
      return isPage(answer.body) ? refused('credentials_rejected') : trouble('provider_refused');
    case 404:
      return isPage(answer.body) ? refused('credentials_rejected') : trouble('provider_error');
    case 408:
    case 499:
    case 504:
      return trouble('provider_timeout');
    case 429:
      return withRetryAfter('rate_limited', answer);
    case 466:
    case 469:
      return trouble('provider_refused');
    case 503:
      return withRetryAfter('provider_error', answer);
    default:
      // Redirects (never followed, because the token would go with them), other 5xx, and statuses
      // that nobody has seen yet.
      return trouble('provider_error');
  }
}

/**
 * A failure inside a 200. `{"code":401}` comes from the partner API; `{"status":false,"reason":…}`
 * has been seen on instance methods.
 */
function interpretEnvelope(fields: Fields): Failure | null {
  const { code, status, reason } = fields as { code?: unknown; status?: unknown; reason?: unknown };
  if (code === 401) return refused('credentials_rejected');
  return status === false && typeof reason === 'string' ? interpretErrorText(reason) : null;
}

function interpretErrorText(body: string): Failure {
  const text = body.slice(0, ERROR_TEXT_CHARACTERS).toLowerCase();
  return ERROR_TEXTS.find(([needle]) => text.includes(needle))?.[1] ?? trouble('provider_error');
}

/**
 * Whether the body is empty or a page of the provider's outer proxy. That proxy knows no such
 * instance on this host, so the id, the token or the host is wrong. A body in plain text or JSON
 * comes from the instance itself ("Your account is suspended") and says nothing about the
 * credentials.
 */
function isPage(body: string): boolean {
  const start = body.trimStart();
  return start === '' || start.startsWith('<');
}

function withRetryAfter(code: TroubleCode, answer: Answer): Failure {
  const retryAfterMs = parseRetryAfter(answer.headers);
  return retryAfterMs === null ? trouble(code) : { kind: 'trouble', code, retryAfterMs };
}

/**
 * Returns ms, at most `MAX_RETRY_AFTER_MS`; null if there is no readable header. A date is compared
 * with the answer's own `date`, so that only one clock is used.
 */
function parseRetryAfter(headers: Answer['headers']): number | null {
  const value = firstValue(headers['retry-after']);
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1000 : parseDate(value) - parseDate(firstValue(headers['date']));
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

/** Returns NaN if `value` is not an HTTP date. `Date.parse` alone accepts almost anything. */
function parseDate(value: string): number {
  return HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN;
}

function firstValue(header: string | readonly string[] | undefined): string {
  return ((typeof header === 'string' ? header : header?.[0]) ?? '').trim();
}

/**
 * Returns undefined if `text` is not JSON. The parser's error quotes the body, so it is not passed
 * on.
 */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
