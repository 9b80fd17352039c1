/**
 * The calls of a viewer: send the password, begin a new attempt, get a new code instead of the
 * password. Each call is one HTTP request of its own. So it never waits behind a lost stream and is
 * never sent twice, and it gets its answer whatever the stream does.
 */

import { readHint } from './closed.ts';
import { type GatewayPath, readProblem, requestGateway } from './gateway-request.ts';
import { isObject } from './messages.ts';
import { createRequestPace, waitForRequest } from './request-pace.ts';
import { MAX_HINT_MS } from './retry.ts';
import { startTimeLimit } from './time-limit.ts';
import type { CallResult, RequestPace, SessionWatch } from './types.ts';

export interface Calls extends Pick<SessionWatch, 'sendPassword' | 'resume' | 'startOver'> {
  /** Aborts the calls that are under way and rejects new ones. */
  close(): void;
}

const RESUME_WITHIN_MS = 15_000;
/**
 * The contract asks clients to wait 30 s for the provider. The rest is for the request pace and the
 * network.
 */
const PROVIDER_WITHIN_MS = 40_000;

/**
 * Above this a call is answered `too_many_requests`: only a page that calls in a loop gets here,
 * not a person.
 */
const MAX_WAITING = 2;

export interface CallsDeps {
  readonly url: string;
  /** The pace of the watch. A new one if left out. */
  readonly pace?: RequestPace;
  ticket(): string;
}

export function createCalls({ url, ticket, pace = createRequestPace() }: CallsDeps): Calls {
  const closing = new AbortController();
  let waiting = 0;

  async function ask(path: GatewayPath, body: object | null, signal: AbortSignal): Promise<CallResult> {
    if (pace.waitMs() > 0) {
      waiting++;
      await waitForRequest(pace, signal).finally(() => waiting--);
    } else pace.take();
    const headers: Record<string, string> = body === null ? {} : { 'content-type': 'application/json' };
    const request = { url, ticket: ticket(), path, method: 'POST', headers, signal } as const;
    const response = await requestGateway(body === null ? request : { ...request, body: JSON.stringify(body) });
    const problem = await readProblem(response);
    return response.ok ? { ok: true } : refused(problem); // the new state arrives over the stream
  }

  async function post(path: GatewayPath, withinMs: number, body: object | null = null): Promise<CallResult> {
    if (closing.signal.aborted) return failed('this watch is closed; open a new one', false);
    if (waiting >= MAX_WAITING) return TOO_MANY;
    const limit = startTimeLimit(withinMs, closing.signal);
    try {
      return await ask(path, body, limit.signal);
    } catch {
      // The time limit, `close()`, or the network. The error of `fetch` says nothing useful about
      // it.
      if (closing.signal.aborted) return failed('this watch was closed before the answer came; it may have taken effect', false);
      if (limit.isTimeOver()) return failed(`no answer within ${withinMs / 1_000} s; check the session before a retry`, true);
      return failed('the gateway could not be reached; check the network and try again', true);
    } finally {
      limit.end();
    }
  }

  return {
    sendPassword: (password) => post('/password', PROVIDER_WITHIN_MS, { password }),
    resume: () => post('/resume', RESUME_WITHIN_MS),
    startOver: () => post('/start-over', PROVIDER_WITHIN_MS),
    close: () => closing.abort(),
  };
}

const TOO_MANY: CallResult = {
  ok: false,
  error: {
    code: 'too_many_requests',
    detail: 'more than 2 calls a second, so this one was not sent; wait for the other answers',
    retryable: true,
    retryAfterMs: 1_000,
  },
};

function refused(problem: unknown): CallResult {
  const { code, detail, retryable, retryAfterMs } = isObject(problem) ? problem : {};
  if (typeof code !== 'string' || typeof detail !== 'string') {
    return failed('the answer did not come from the gateway; try again', true);
  }
  const error = { code, detail, retryable: retryable === true };
  const hintMs = Math.min(readHint(retryAfterMs), MAX_HINT_MS);
  return { ok: false, error: hintMs > 0 ? { ...error, retryAfterMs: hintMs } : error };
}

function failed(detail: string, retryable: boolean): CallResult {
  return { ok: false, error: { code: 'unavailable', detail, retryable } };
}
