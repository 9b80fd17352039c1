/**
 * Cuts an answer that its caller does not read: otherwise it stays in memory as long as the
 * connection does. The time runs from when the whole answer was handed over. Streams never reach
 * that point; their own deliveries cut them.
 */

import type { Server } from 'node:http';

/** For a list of a hundred sessions this means about 2 kB a second. */
export const READ_WITHIN_MS = 60_000;

/** Call it when all listeners are there. */
export function cutUnreadAnswers(http: Server, readWithinMs = READ_WITHIN_MS): void {
  http.prependListener('request', (_request, response) => {
    // Only at `prefinish` is it this answer's turn on its connection, with all of it handed over.
    response.once('prefinish', () => {
      // Already read, or the caller has gone.
      if (response.writableFinished || response.closed) return;
      const timer = setTimeout(() => response.destroy(), readWithinMs);
      response.once('close', () => clearTimeout(timer));
      response.once('finish', () => clearTimeout(timer));
    });
  });
}
