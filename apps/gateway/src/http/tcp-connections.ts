/**
 * The TCP connections of a server: limits their number, and cuts those that do not end by
 * themselves (`closeAllConnections` leaves upgraded ones open).
 *
 * If there are too many, the address with the most idle connections loses the one that has been
 * idle longest. A client that kept it for later simply opens another. An address that opens
 * connections in bursts cannot take those of others.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createEvictionPool } from '../limits/fair-eviction.ts';
import { addressGroup } from './client-address.ts';

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

export interface Connections {
  /**
   * Cuts all connections that are open in `ms`, whatever they are doing. Does nothing if the server
   * closes before.
   */
  cutAfter(ms: number): void;
}

/** Call it before the server listens. `max` must be more than can be in use at once. */
export function trackConnections(http: Server, max: number): Connections {
  const pool = createConnectionPool(max);
  http.on('connection', (socket) => {
    pool.add(socket);
    socket.once('close', () => pool.delete(socket));
  });
  http.prependListener('request', (request, response) => trackRequest(pool, request, response));
  http.prependListener('upgrade', ({ socket }) => pool.begin(socket));
  return {
    cutAfter(ms) {
      const timer = setTimeout(() => pool.destroyAll(), ms);
      http.once('close', () => clearTimeout(timer));
    },
  };
}

/** The connection is in use from when the body has arrived until the answer is done. */
function trackRequest(pool: ConnectionPool, request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  let isBegun = false;
  function begin(): void {
    pool.begin(socket);
    isBegun = true;
  }
  // While the body is on its way nobody waits for an answer, and the body may never arrive. The
  // body of a GET is not read at all.
  if (request.method !== 'GET' && request.method !== 'HEAD' && hasBody(request)) request.once('end', begin);
  else begin();
  response.once('close', () => {
    request.off('end', begin);
    if (isBegun) pool.end(socket);
  });
}

interface ConnectionPool {
  /** Evicts an idle connection if there are then more than `max`. */
  add(socket: Socket): void;
  /** An answer on the connection begins, and ends. */
  begin(socket: Socket): void;
  end(socket: Socket): void;
  delete(socket: Socket): void;
  destroyAll(): void;
}

function createConnectionPool(max: number): ConnectionPool {
  /**
   * Each connection with the group of its address, because a closed one no longer has an address.
   * The connections of a proxy are one group, so its clients share them.
   */
  const open = new Map<Socket, string>();
  /** Connections that wait for a request, or for the body of one. */
  const idle = createEvictionPool<Socket>();
  /** Number of answers under way; more than one with pipelining. */
  const busy = new Map<Socket, number>();

  return {
    add(socket) {
      const group = addressGroup(socket.remoteAddress ?? '');
      open.set(socket, group);
      idle.add(socket, group);
      const surplus = open.size > max ? idle.nextToEvict() : null;
      if (surplus === null) return;
      // Its `close` event may come after the next connection, which must evict another one.
      idle.delete(surplus);
      surplus.destroy();
    },
    begin(socket) {
      idle.delete(socket);
      busy.set(socket, (busy.get(socket) ?? 0) + 1);
    },
    end(socket) {
      const left = (busy.get(socket) ?? 0) - 1;
      if (left > 0) return void busy.set(socket, left);
      busy.delete(socket);
      const group = open.get(socket);
      if (group !== undefined) idle.add(socket, group);
    },
    delete(socket) {
      for (const sockets of [open, idle, busy]) sockets.delete(socket);
    },
    destroyAll: () => open.forEach((_group, socket) => void socket.destroy()),
  };
}
