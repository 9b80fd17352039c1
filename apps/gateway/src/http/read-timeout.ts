/**
 * An answer that its caller does not read would stay in memory as long as the connection does. So it is cut when it has not been read so long
 * after its last byte was made; streams, which have none, are cut by their own deliveries.
 */

import type { Server } from 'node:http';

/** For a list of a hundred sessions that is some 2 kB a second. */
export const READ_WITHIN_MS = 60_000;

/** To be called when all listeners are there. */
export function cutUnreadAnswers(http: Server, readWithinMs = READ_WITHIN_MS): void {
  http.prependListener('request', (_request, response) => {
    // Only now it is this answer's turn on its connection, and all of it was handed over.
    response.once('prefinish', () => {
      if (response.writableFinished || response.closed) return; // read, or its caller has gone
      const timer = setTimeout(() => response.destroy(), readWithinMs);
      response.once('close', () => clearTimeout(timer));
      response.once('finish', () => clearTimeout(timer));
    });
  });
}
