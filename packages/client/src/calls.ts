/**
 * What a viewer asks for: to hand over the password, a new attempt, a new code instead of the password. Each call is one HTTP request of its own, so it is never queued behind a lost stream
 * and never sent twice, and it is answered whatever the stream does meanwhile.
 */

import { type GatewayPath, readProblem, requestGateway } from './gateway-request.ts';
import { isObject } from './messages.ts';
import type { CallResult, SessionWatch } from './types.ts';

export interface Calls extends Pick<SessionWatch, 'sendPassword' | 'resume' | 'startOver'> {
  /** Gives up what is under way, and takes no more. */
  close(): void;
}

const RESUME_WITHIN_MS = 15_000;
/** The provider may think for some seconds, and the contract asks for 30; the rest is for the turn it has to wait for, and the way. */
const PROVIDER_WITHIN_MS = 40_000;

export function createCalls({ url, ticket }: { readonly url: string; ticket(): string }): Calls {
  const closing = new AbortController();

  async function post(path: GatewayPath, withinMs: number, body?: string): Promise<CallResult> {
    if (closing.signal.aborted) return failed('this watch is closed; open a new one', false);
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(withinMs)]);
    try {
      const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
      const request = { url, ticket: ticket(), path, method: 'POST', headers, signal } as const;
      const response = await requestGateway(body === undefined ? request : { ...request, body });
      const problem = await readProblem(response);
      return response.ok ? { ok: true } : refused(problem); // the new state comes over the stream
    } catch {
      // One of the two signals, or the network, of which fetch says nothing that helps.
      if (closing.signal.aborted) return failed('this watch was closed before the answer came; it may have been done', false);
      if (signal.aborted) return failed(`no answer within ${withinMs / 1_000} s; look at the session before the next try`, true);
      return failed('the gateway could not be reached; check the network and try again', true);
    }
  }

  return {
    sendPassword: (password) => post('/password', PROVIDER_WITHIN_MS, JSON.stringify({ password })),
    resume: () => post('/resume', RESUME_WITHIN_MS),
    startOver: () => post('/start-over', PROVIDER_WITHIN_MS),
    close: () => closing.abort(),
  };
}

function refused(problem: unknown): CallResult {
  const { code, detail, retryable, retryAfterMs } = isObject(problem) ? problem : {};
  if (typeof code !== 'string' || typeof detail !== 'string') {
    return failed('somebody between here and the gateway answered in its place; try again', true);
  }
  const error = { code, detail, retryable: retryable === true };
  return { ok: false, error: typeof retryAfterMs === 'number' ? { ...error, retryAfterMs } : error };
}

function failed(detail: string, retryable: boolean): CallResult {
  return { ok: false, error: { code: 'unavailable', detail, retryable } };
}
