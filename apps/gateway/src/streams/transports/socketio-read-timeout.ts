/**
 * Bounds how long messages wait in Engine.IO for a client that does not fetch them. A polling
 * client can answer heartbeats for ever without asking for its messages, and all of them would be
 * kept.
 */

import type { Socket } from 'socket.io';
import { READ_WITHIN_MS } from '../../http/read-timeout.ts';

/** Calls `cut` once if a packet could not be passed to the connection within `readWithinMs`. */
export function cutUnread(conn: Socket['conn'], cut: () => void, readWithinMs = READ_WITHIN_MS): void {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  conn.on('packetCreate', () => {
    timer ??= setTimeout(cut, readWithinMs);
  });
  conn.on('flush', stop); // a flush passes all packets on
  conn.once('close', stop);
}
