/**
 * What the transports over HTTP share: requests one after another, never two at once. Each takes up where the last one ended; the one under
 * way is given up for another when the visibility changes, for an open request can be told nothing.
 */

import { createRequestPace, takeTurn } from '../request-pace.ts';
import type { Closed, OpenRequest, RequestPace, TransportConnection, TransportHandlers } from '../types.ts';

/**
 * One request, to its end. It never rejects.
 * @param signal it is given up: whatever comes of it then does not matter
 * @returns how the connection ended; null to go on
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
      if (!isFirst) await takeTurn(pace, signal);
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

/** For a connection that is opened by itself: the first request is on its way. */
function startPace(): RequestPace {
  const pace = createRequestPace();
  pace.take();
  return pace;
}
