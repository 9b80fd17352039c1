/**
 * The TCP connections of a server: bounded in number, and cut where they do not end by themselves (`closeAllConnections` leaves upgraded ones
 * alone). Where there are too many, the address with most idle ones loses the one that has been idle for longest: a client that keeps it open
 * for later opens another, and who opens them in bursts takes no one else's.
 */

import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { createEvictionPool } from '../limits/fair-eviction.ts';
import { addressGroup } from './client-address.ts';

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

export interface Connections {
  /** Those that are open then, ms from now, whatever they are in the middle of; none if the server is closed before. */
  cutAfter(ms: number): void;
}

/** To be called before the server listens. `max`: more than all that may be in use. */
export function trackConnections(http: Server, max: number): Connections {
  /** Each with the group of its address, for one that has ended tells none. A proxy's are one group: it shares them among its clients. */
  const open = new Map<Socket, string>();
  /** Between two requests, before the first, or while the body of one is on the way. */
  const idle = createEvictionPool<Socket>();
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
    const group = open.get(socket);
    if (group !== undefined) idle.add(socket, group);
  }

  http.on('connection', (socket) => {
    const group = addressGroup(socket.remoteAddress ?? '');
    open.set(socket, group);
    idle.add(socket, group);
    socket.once('close', () => {
      for (const sockets of [open, idle, busy]) sockets.delete(socket);
    });
    const surplus = open.size > max ? idle.nextToEvict() : null;
    if (surplus === null) return;
    idle.delete(surplus); // its end may come later than the next that arrives, which must cut another
    surplus.destroy();
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
        for (const socket of open.keys()) socket.destroy();
      }, ms);
      http.once('close', () => clearTimeout(timer));
    },
  };
}
