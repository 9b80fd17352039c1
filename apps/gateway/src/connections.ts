/**
 * The TCP connections of a server: bounded in number, and cut where they do not end by themselves (`closeAllConnections` leaves upgraded ones
 * alone). Where there are too many, the one that has been idle for longest goes: a client that keeps it open for later opens another.
 */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface Connections {
  /** Those that are open then, ms from now, whatever they are in the middle of; none if the server is closed before. */
  cutAfter(ms: number): void;
}

/** To be called before the server listens. `max`: more than all that may be in use. */
export function trackConnections(http: Server, max: number): Connections {
  const open = new Set<Socket>();
  /** Between two requests, or before the first; longest idle first. */
  const idle = new Set<Socket>();
  /** Answers under way; with pipelining several of one connection. */
  const busy = new Map<Socket, number>();

  function begin(socket: Socket): void {
    idle.delete(socket);
    busy.set(socket, (busy.get(socket) ?? 0) + 1);
  }

  function end(socket: Socket): void {
    const left = (busy.get(socket) ?? 0) - 1;
    if (left > 0) return void busy.set(socket, left);
    busy.delete(socket);
    if (open.has(socket)) idle.add(socket);
  }

  http.on('connection', (socket) => {
    open.add(socket);
    idle.add(socket);
    socket.once('close', () => {
      for (const set of [open, idle, busy]) set.delete(socket);
    });
    const [longest] = idle;
    if (open.size > max && longest !== undefined) longest.destroy();
  });
  http.prependListener('request', ({ socket }, response) => {
    begin(socket);
    response.once('close', () => end(socket));
  });
  http.prependListener('upgrade', ({ socket }) => begin(socket));

  return {
    cutAfter(ms) {
      const timer = setTimeout(() => {
        for (const socket of open) socket.destroy();
      }, ms);
      http.once('close', () => clearTimeout(timer));
    },
  };
}
