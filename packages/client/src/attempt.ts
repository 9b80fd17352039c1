/**
 * One connection over one transport, held to its word: it opens in time or has failed, it ends once, and nothing follows its end. One that
 * asked for the whole state has to bring that in time as well, for a proxy may let the beginning of a stream through and hold back the rest.
 */

import { LOST, SILENT } from './closed.ts';
import { startTimer } from './timer.ts';
import type { Closed, OpenRequest, Transport, TransportConnection, TransportHandlers } from './types.ts';

export interface Attempt extends TransportConnection {
  /** As if the network had. */
  drop(): void;
}

export interface AttemptHandlers extends Pick<TransportHandlers, 'onOpen' | 'onSession' | 'onFresh'> {
  /** @param openMs how long it had been open; null if it never was */
  onEnd(closed: Closed, openMs: number | null): void;
}

/**
 * @param withinMs for the handshake, the ticket's check and the first answer, and as long again for the first state: then it ends as
 *   `isSilent`, for a proxy that swallows a stream shows as silence
 */
export function openAttempt(transport: Transport, request: OpenRequest, withinMs: number, handlers: AttemptHandlers): Attempt {
  let openedAt: number | null = null;
  let isOver = false;
  let timer = startTimer(giveUp, withinMs);

  function giveUp(): void {
    end(SILENT);
  }

  function close(): void {
    isOver = true;
    clearTimeout(timer);
    connection.close();
  }

  function end(closed: Closed): void {
    if (isOver) return;
    close();
    handlers.onEnd(closed, openedAt === null ? null : performance.now() - openedAt);
  }

  const connection = transport.open(request, {
    onOpen() {
      if (isOver || openedAt !== null) return;
      openedAt = performance.now();
      clearTimeout(timer);
      if (request.after === 0) timer = startTimer(giveUp, withinMs);
      handlers.onOpen();
    },
    onSession(session) {
      if (isOver) return;
      if (openedAt !== null) clearTimeout(timer);
      handlers.onSession(session);
    },
    onFresh: (fresh) => isOver || handlers.onFresh(fresh),
    onClosed: end,
  });

  return { setVisible: (visible) => connection.setVisible(visible), close, drop: () => end(LOST) };
}
