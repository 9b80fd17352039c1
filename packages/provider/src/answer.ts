import type { Outcome, TroubleCode } from '@qrcast/core/outcome';

/**
 * What every method's answers have in common: the status decides first, then the few envelopes that report a failure inside a 200, and
 * only then the method looks at its own fields. Empty 401s and HTML error pages are normal here; nothing is assumed to be JSON.
 * https://green-api.com/v3/docs/api/common-errors
 */

/** One complete HTTP answer. Header names in lower case; the body decoded, without a byte-order mark. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** The failures any method can meet. */
export type Failure = Extract<Outcome, { kind: 'trouble' | 'refused' }>;

export type Fields = Readonly<Record<string, unknown>>;

/** A 200 worth reading: `fields` is null where the body was a JSON `null`, which says "still being created" to some methods. */
export interface Reading {
  readonly kind: 'reading';
  readonly fields: Fields | null;
}

/** The provider may name a longer wait; a poller that believed it would never come back. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

/** Error texts are short; nobody searches a megabyte of HTML for them. */
const ERROR_TEXT_CHARACTERS = 2_000;

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Texts of a 400, and of `{"status":false}` in a 200. The first that occurs decides. */
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

/** Everything that can be said without knowing the method; what is left is a 200 with a JSON object or `null`. */
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
      // Redirects (never followed: the token would go with them), other 5xx and whatever nobody has seen yet.
      return trouble('provider_error');
  }
}

/** A 200 that is none. `{"code":401}` is the partner API's; `{"status":false,"reason":…}` has been seen on instance methods. */
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
 * The outer proxy's own page, or nothing: it knows no such instance on this host, so the id, the token or the host is wrong. An answer
 * in words or JSON comes from the instance itself ("Your account is suspended") and says nothing of the credentials.
 */
function isPage(body: string): boolean {
  const start = body.trimStart();
  return start === '' || start.startsWith('<');
}

function withRetryAfter(code: TroubleCode, answer: Answer): Failure {
  const retryAfterMs = parseRetryAfter(answer.headers);
  return retryAfterMs === null ? trouble(code) : { kind: 'trouble', code, retryAfterMs };
}

/** Milliseconds, at most `MAX_RETRY_AFTER_MS`; a date is measured from the answer's own `date`, so that no two clocks are compared. */
function parseRetryAfter(headers: Answer['headers']): number | null {
  const value = firstValue(headers['retry-after']);
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1000 : parseDate(value) - parseDate(firstValue(headers['date']));
  return Number.isNaN(waitMs) ? null : Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS);
}

/** NaN if it is no date; `Date.parse` alone reads dates into almost anything. */
function parseDate(value: string): number {
  return HTTP_DATE.test(value) ? Date.parse(value) : Number.NaN;
}

function firstValue(header: string | readonly string[] | undefined): string {
  return ((typeof header === 'string' ? header : header?.[0]) ?? '').trim();
}

/** Undefined if it is not JSON: the parser's error quotes the body, so it goes no further. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
