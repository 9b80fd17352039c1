/**
 * What the HTTP transports share: they send one request after another, never two at once. Each
 * continues where the last one ended. When the visibility changes, the open request is aborted and
 * replaced, because nothing can be sent to the gateway over it.
 */

import { createRequestPace, waitForRequest } from '../request-pace.ts';
import type { Closed, OpenRequest, RequestPace, TransportConnection, TransportHandlers } from '../types.ts';

/**
 * Makes one request and handles its response to the end. Never rejects.
 * @param signal aborts the request; its result is then ignored
 * @returns how the connection ended; null to make the next request
 */
export type Round = (request: OpenRequest, handlers: TransportHandlers, signal: AbortSignal) => Promise<Closed | null>;

export function openRounds(first: OpenRequest, handlers: TransportHandlers, round: Round): TransportConnection {
  let request = first;
  let isOpen = false;
  let isOver = false;
  let current = new AbortController();
  const pace = first.pace ?? startPace();

  const noting: TransportHandlers = {
    onOpen() {
      if (!isOpen) handlers.onOpen();
      isOpen = true;
    },
    onSession(session) {
      request = { ...request, after: session.version };
      handlers.onSession(session);
    },
    onFresh(fresh) {
      request = { ...request, after: fresh.version };
      handlers.onFresh(fresh);
    },
    onClosed: handlers.onClosed,
  };

  async function run(): Promise<void> {
    for (let isFirst = true; !isOver; isFirst = false) {
      const { signal } = current;
      if (!isFirst) await waitForRequest(pace, signal);
      if (signal.aborted) continue;
      const closed = await round(request, noting, signal);
      if (signal.aborted || closed === null) continue;
      isOver = true;
      handlers.onClosed(closed);
    }
  }

  void run();

  return {
    setVisible(visible) {
      if (visible === request.visible || isOver) return;
      request = { ...request, visible };
      current.abort();
      current = new AbortController();
    },
    close() {
      isOver = true;
      current.abort();
    },
  };
}

/**
 * For a transport that is used without a watch. Counts the first request, which is already on its
 * way.
 */
function startPace(): RequestPace {
  const pace = createRequestPace();
  pace.take();
  return pace;
}
