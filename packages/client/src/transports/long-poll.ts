/**
 * Long-poll: repeated requests, each of which the gateway holds until it has something newer. Works
 * wherever HTTP does.
 */

import { FOREIGN, LOST } from '../closed.ts';
import { readRefusal, requestGateway, viewQuery } from '../gateway-request.ts';
import { isObject, isSession, parseJson } from '../messages.ts';
import { startTimeLimit } from '../time-limit.ts';
import { pause } from '../timer.ts';
import type { OpenRequest, Session, Transport } from '../types.ts';
import { openRounds } from './http-rounds.ts';

/** How long the gateway is asked to hold a request. It accepts at most 30 s. */
const WAIT_MS = 25_000;
/** Added to that for the network. */
const MARGIN_MS = 10_000;
/** The least time between two requests whose responses bring nothing new, whoever sends those. */
const SPACING_MS = 1_000;

export function longPoll(): Transport {
  return {
    name: 'long-poll',
    open(first, handlers) {
      let heldMs = 0; // the first request is not held, to learn at once whether this transport works
      return openRounds(first, handlers, async (request, { onOpen, onSession }, left) => {
        const startedAt = performance.now();
        const limit = startTimeLimit(heldMs + MARGIN_MS, left);
        try {
          const response = await ask(request, heldMs, limit.signal);
          if (response.status !== 200 && response.status !== 304) return await readRefusal(response);
          const session = response.status === 200 ? parseAnswer(await response.text()) : null;
          if (session === undefined) return FOREIGN;
          onOpen();
          if (session !== null) onSession(session);
          const isNews = session !== null && session.version > request.after;
          if (heldMs > 0 && !isNews) await pause(startedAt + SPACING_MS - performance.now(), left); // no wait if it was held
          heldMs = WAIT_MS;
          return null;
        } catch {
          return LOST; // AbortError, or the network's TypeError
        } finally {
          limit.end();
        }
      });
    },
  };
}

function ask(request: OpenRequest, heldMs: number, signal: AbortSignal): Promise<Response> {
  const { url, ticket, after } = request;
  const query = viewQuery(request);
  if (heldMs > 0) query.set('wait', String(heldMs / 1_000));
  const headers: Record<string, string> = after > 0 ? { 'if-none-match': `"${after}"` } : {};
  return requestGateway({ url, ticket, path: '', query, headers, signal });
}

/** Returns undefined if the response is not the gateway's. */
function parseAnswer(text: string): Session | undefined {
  const body = parseJson(text);
  const session = isObject(body) ? body['session'] : null;
  return isSession(session) ? session : undefined;
}
