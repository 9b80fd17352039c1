import type { LookupFunction, Socket } from 'node:net';
import { buildConnector } from 'undici';
import { createPublicLookup } from './public-lookup.ts';

/**
 * Opens the connections of one agent and keeps track of those that are still being opened. undici's
 * `destroy()` ends only established connections. A handshake that nobody answers would stay, and
 * keep the process alive, until its time limit.
 */
export interface Connector {
  readonly connect: buildConnector.connector;
  /** Ends every connection that is still being opened. Later ones are ended at once. */
  close(): void;
}

/** How long TCP and TLS together may take. A host that needs longer counts as down. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Host names resolve to public addresses only, except those in `privateHosts`. */
export function createConnector(privateHosts: readonly string[], lookup: LookupFunction = createPublicLookup(privateHosts)): Connector {
  // No HTTP/2: there one lost packet or one reset delays the polls of every instance on the host at
  // once.
  const options = { allowH2: false, timeout: CONNECT_TIMEOUT_MS, lookup } as buildConnector.BuildOptions; // the type requires a port and host
  // Undici's connector returns the socket; its type does not say so.
  const open = buildConnector(options) as unknown as (...args: Parameters<buildConnector.connector>) => Socket;
  const opening = new Set<Socket>();
  let closed = false;

  return {
    connect(target, callback) {
      const socket = open(target, (...result) => {
        opening.delete(socket);
        endOnAlert(result[1]);
        callback(...result);
      });
      opening.add(socket);
      if (closed) socket.destroy();
    },
    close() {
      closed = true;
      for (const socket of opening) socket.destroy();
      opening.clear();
    },
  };
}

/**
 * Keeps the reason of a TLS alert. In TLS 1.3 a server that requires a client certificate says so
 * after the handshake and then closes the connection. Undici would report only the close, so this
 * ends the connection with the first error.
 */
export function endOnAlert(socket: Socket | null): void {
  socket?.once('error', (fault) => socket.destroy(fault));
}
