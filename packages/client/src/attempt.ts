/** One connection over one transport, held to its word: it opens in time or has failed, it ends once, and nothing follows its end. */

import { LOST } from './closed.ts';
import type { Closed, OpenRequest, Transport, TransportConnection, TransportHandlers } from './types.ts';

export interface Attempt extends TransportConnection {
  /** As if the network had. */
  drop(): void;
}

export interface AttemptHandlers extends Pick<TransportHandlers, 'onOpen' | 'onSession' | 'onFresh'> {
  /** @param openMs how long it had been open; null if it never was */
  onEnd(closed: Closed, openMs: number | null): void;
}

/** For the handshake, the ticket's check and the first answer; a proxy that swallows a stream shows as silence. */
const OPEN_WITHIN_MS = 10_000;

export function openAttempt(transport: Transport, request: OpenRequest, handlers: AttemptHandlers): Attempt {
  let openedAt: number | null = null;
  let isOver = false;
  const timer = setTimeout(() => end(LOST), OPEN_WITHIN_MS);

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
      handlers.onOpen();
    },
    onSession: (session) => isOver || handlers.onSession(session),
    onFresh: (fresh) => isOver || handlers.onFresh(fresh),
    onClosed: end,
  });

  return { setVisible: (visible) => connection.setVisible(visible), close, drop: () => end(LOST) };
}
