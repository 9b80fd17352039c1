/**
 * Server-Sent Events over `fetch`, because an `EventSource` cannot send headers: one response that
 * stays open.
 */

import { DONE, LOST, parseClosed, parseDraining } from '../closed.ts';
import { readRefusal, requestGateway, viewQuery } from '../gateway-request.ts';
import { isFresh, isSession, parseJson } from '../messages.ts';
import { startTimeLimit } from '../time-limit.ts';
import type { Closed, Transport, TransportHandlers } from '../types.ts';
import { createEventStreamParser, type StreamEvent } from './event-stream.ts';
import { openRounds, type Round } from './http-rounds.ts';

/**
 * The connection counts as dead after this time without a byte. The gateway sends a comment every
 * 15 s.
 */
const SILENCE_MS = 40_000;

export function sse(): Transport {
  return { name: 'sse', open: (request, handlers) => openRounds(request, handlers, readStream) };
}

async function readStream(...[request, handlers, left]: Parameters<Round>): Promise<Closed> {
  const silence = startTimeLimit(SILENCE_MS, left);
  /** How the connection ends if the server gives no other reason. */
  let closed = LOST;
  let isLast = false;
  const parser = createEventStreamParser((event) => {
    const said = handleEvent(event, handlers);
    closed = said ?? closed;
    isLast ||= event.type === 'closing';
  });
  try {
    const { url, ticket, after } = request;
    const headers = { accept: 'text/event-stream', ...(after > 0 ? { 'last-event-id': String(after) } : {}) };
    const { signal } = silence;
    const response = await requestGateway({ url, ticket, path: '/events', query: viewQuery(request), headers, signal });
    if (response.status === 204) return DONE;
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (!response.ok || !isStream || response.body === null) return await readRefusal(response);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    while (!isLast) {
      const { done, value } = await reader.read();
      if (done) break;
      silence.restart(SILENCE_MS);
      handlers.onOpen(); // only after the first bytes, because a proxy may hold them back for ever
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } catch {
    // AbortError, the network's TypeError, or the parser's RangeError. The caller gets `closed` for
    // each.
  } finally {
    silence.end(); // aborts a response that is still open
  }
  return closed;
}

/** @returns how the connection will end, if the event says that */
function handleEvent({ type, data }: StreamEvent, handlers: TransportHandlers): Closed | null {
  const body = parseJson(data);
  if (type === 'session' && isSession(body)) handlers.onSession(body);
  if (type === 'fresh' && isFresh(body)) handlers.onFresh(body);
  if (type === 'draining') return parseDraining(body);
  return type === 'closing' ? parseClosed(body) : null;
}
