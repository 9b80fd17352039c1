/**
 * One connection over one transport, with guarantees: it opens in time or fails, it ends once, and
 * it reports nothing after its end. If it asked for the complete state, that must arrive in time
 * too, because a proxy may let the beginning of a stream through and hold back the rest.
 */

import { LOST, SILENT } from './closed.ts';
import { startTimer } from './timer.ts';
import type { Closed, OpenRequest, Transport, TransportConnection, TransportHandlers } from './types.ts';

export interface Attempt extends TransportConnection {
  /** Ends the connection as if the network had failed. */
  drop(): void;
}

export interface AttemptHandlers extends Pick<TransportHandlers, 'onOpen' | 'onSession' | 'onFresh'> {
  /** @param openMs how long the connection was open; null if it never opened */
  onEnd(closed: Closed, openMs: number | null): void;
}

/**
 * @param withinMs how long the handshake, the ticket's check and the first response may take
 *   together. The first state gets as long again. After that the attempt ends as `isSilent`,
 *   because a proxy that swallows a stream is seen as silence
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
