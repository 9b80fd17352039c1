/**
 * The calls of the console. A refusal is a value with the words of the gateway. If it says when to come
 * back, no call is sent until then. The key stays in this closure, and goes out only as a header.
 */

import { retryAtOf } from './retry-after.ts';
import type { Trouble } from './texts.ts';

export interface Failure {
  readonly trouble: Trouble;
  /** The gateway's own words: what was expected, what came and what to do. */
  readonly detail: string | null;
  /** Before then nobody should ask again, ms of the local clock. Null: the gateway has named no time. */
  readonly retryAt: number | null;
}

/** For how long the same must not be asked again, ms. */
export const waitOf = (failure: Failure | null, now: number): number => Math.max(0, (failure?.retryAt ?? now) - now);

export type Answer<T> = { readonly ok: true; readonly body: T } | { readonly ok: false; readonly failure: Failure };

export interface Api {
  call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>>;
  /** Opens a stream. Its body is read by the caller. */
  open(path: string, signal: AbortSignal): Promise<Answer<ReadableStream<Uint8Array>>>;
}

/** A gateway that has not answered by then never will: its own limits are shorter. */
const CALL_WITHIN_MS = 60_000;

/** @param root the address of the gateway, with a slash at its end */
export function createApi(root: string, key: string, fetchNow: typeof fetch = fetch): Api {
  /** The last refusal of a call that said when to come back. It holds for all calls: their rate is that of the key. */
  let refusal: Failure | null = null;

  async function send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${key}`, accept: 'application/json, text/event-stream' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    return fetchNow(new URL(path.replace(/^\//, ''), root), {
      ...{ method, headers, signal, body: body === undefined ? null : JSON.stringify(body) },
      ...{ credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer', redirect: 'error' },
    });
  }
  return {
    async call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
      if (refusal !== null && waitOf(refusal, Date.now()) > 0) return { ok: false, failure: refusal };
      try {
        const response = await send(method, path, body, AbortSignal.timeout(CALL_WITHIN_MS));
        if (!response.ok) {
          const failure = await failureOf(response);
          refusal = failure.retryAt === null ? refusal : failure;
          return { ok: false, failure };
        }
        if (response.status === 204) return { ok: true, body: null as T };
        return isJson(response) ? { ok: true, body: (await response.json()) as T } : { ok: false, failure: NO_API };
      } catch {
        return { ok: false, failure: NO_CONNECTION }; // a TypeError of fetch, a body that was cut, or no answer in time
      }
    },
    async open(path, signal) {
      try {
        const response = await send('GET', path, undefined, signal);
        if (!response.ok) return { ok: false, failure: await failureOf(response) };
        const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
        return isStream && response.body !== null ? { ok: true, body: response.body } : { ok: false, failure: NO_API };
      } catch {
        return { ok: false, failure: NO_CONNECTION };
      }
    },
  };
}

export const NO_CONNECTION: Failure = { trouble: 'noConnection', detail: null, retryAt: null };
const NO_API: Failure = { trouble: 'noApi', detail: null, retryAt: null };
const TROUBLES: Readonly<Record<number, Trouble>> = {
  401: 'wrongKey',
  403: 'forbidden',
  429: 'tooMany',
  502: 'noConnection',
  503: 'unavailable',
  504: 'noConnection',
};

/** A proxy sends these without words of ours, and perhaps with a time to return. */
const MAY_RETRY: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const isJson = (response: Response): boolean => /\bjson\b/.test(response.headers.get('content-type') ?? '');

/** What a proxy answers has no words of ours. */
async function failureOf(response: Response): Promise<Failure> {
  const isOurs = isJson(response);
  const { code, detail, retryAfterMs }: { code?: unknown; detail?: unknown; retryAfterMs?: unknown } = isOurs ? await response.json() : {};
  const isUnknownPath = response.status === 404 || response.status === 405;
  const trouble = isUnknownPath ? (isOurs && code !== undefined && !isUnknownCall(detail) ? 'other' : 'noApi') : TROUBLES[response.status];
  const retryAt = MAY_RETRY.has(response.status) ? retryAtOf(response.headers.get('retry-after'), retryAfterMs, Date.now()) : null;
  return { trouble: trouble ?? 'other', detail: typeof detail === 'string' ? detail : null, retryAt };
}

/** The gateway answers an unknown path with words about the path, and an unknown thing with words about the thing. */
const isUnknownCall = (detail: unknown): boolean => typeof detail === 'string' && detail.includes('nothing at this path');
