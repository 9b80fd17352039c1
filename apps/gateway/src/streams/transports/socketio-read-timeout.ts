/**
 * What waits in Engine.IO for a client that does not fetch it. A client that polls may say for ever that it is alive without ever asking for
 * what there is, and all that is sent to it would be kept.
 */

import type { Socket } from 'socket.io';
import { READ_WITHIN_MS } from '../../http/read-timeout.ts';

/** Calls `cut` once if something was to be sent and could not be handed to the connection for so long. */
export function cutUnread(conn: Socket['conn'], cut: () => void, readWithinMs = READ_WITHIN_MS): void {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  conn.on('packetCreate', () => {
    timer ??= setTimeout(cut, readWithinMs);
  });
  conn.on('flush', stop); // all of it goes at once
  conn.once('close', stop);
}
