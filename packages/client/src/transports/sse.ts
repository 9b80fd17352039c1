/** Server-Sent Events by fetch, for an EventSource can send no header: one answer that goes on. */

import { DONE, LOST, parseClosed, parseDraining } from '../closed.ts';
import { readRefusal, requestGateway, viewQuery } from '../gateway-request.ts';
import { isFresh, isSession, parseJson } from '../messages.ts';
import { startTimeLimit } from '../time-limit.ts';
import type { Closed, Transport, TransportHandlers } from '../types.ts';
import { createEventStreamParser, type StreamEvent } from './event-stream.ts';
import { openRounds, type Round } from './http-rounds.ts';

/** The gateway sends a comment every 15 s. */
const SILENCE_MS = 40_000;

export function sse(): Transport {
  return { name: 'sse', open: (request, handlers) => openRounds(request, handlers, readStream) };
}

async function readStream(...[request, handlers, left]: Parameters<Round>): Promise<Closed> {
  const silence = startTimeLimit(SILENCE_MS, left);
  /** What it ends with if nothing more is said. */
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
      handlers.onOpen(); // not before its first words: a proxy may hold them back for ever
      parser.feed(decoder.decode(value, { stream: true }));
    }
  } catch {
    // AbortError, the network's TypeError, or an event without end: told by `closed`.
  } finally {
    silence.end(); // ends an answer that still goes on
  }
  return closed;
}

/** @returns what the gateway said about its leaving */
function handleEvent({ type, data }: StreamEvent, handlers: TransportHandlers): Closed | null {
  const body = parseJson(data);
  if (type === 'session' && isSession(body)) handlers.onSession(body);
  if (type === 'fresh' && isFresh(body)) handlers.onFresh(body);
  if (type === 'draining') return parseDraining(body);
  return type === 'closing' ? parseClosed(body) : null;
}
