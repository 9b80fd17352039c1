/**
 * The TCP connections of a server: bounded in number, and cut where they do not end by themselves (`closeAllConnections` leaves upgraded ones
 * alone). Where there are too many, the one that has been idle for longest goes: a client that keeps it open for later opens another.
 */

import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

export interface Connections {
  /** Those that are open then, ms from now, whatever they are in the middle of; none if the server is closed before. */
  cutAfter(ms: number): void;
}

/** To be called before the server listens. `max`: more than all that may be in use. */
export function trackConnections(http: Server, max: number): Connections {
  const open = new Set<Socket>();
  /** Between two requests, before the first, or while the body of one is on the way; longest idle first. */
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
  http.prependListener('request', (request, response) => {
    const { socket } = request;
    let isBegun = false;
    function beginOnce(): void {
      begin(socket);
      isBegun = true;
    }
    // While its body is on the way nobody waits for an answer, and it may never come. What a GET brings nobody reads.
    if (request.method !== 'GET' && request.method !== 'HEAD' && hasBody(request)) request.once('end', beginOnce);
    else beginOnce();
    response.once('close', () => {
      request.off('end', beginOnce);
      if (isBegun) end(socket);
    });
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
