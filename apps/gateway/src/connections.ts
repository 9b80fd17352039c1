/** The TCP connections of a server, to cut those that do not end by themselves: `closeAllConnections` leaves upgraded ones alone. */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface Connections {
  /** Those that are open then, ms from now, whatever they are in the middle of; none if the server is closed before. */
  cutAfter(ms: number): void;
}

/** To be called before the server listens. */
export function trackConnections(http: Server): Connections {
  const open = new Set<Socket>();
  http.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return {
    cutAfter(ms) {
      const timer = setTimeout(() => {
        for (const socket of open) socket.destroy();
      }, ms);
      http.once('close', () => clearTimeout(timer));
    },
  };
}
