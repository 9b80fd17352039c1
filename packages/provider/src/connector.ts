import type { LookupFunction, Socket } from 'node:net';
import { buildConnector } from 'undici';
import { createPublicLookup } from './public-lookup.ts';

/**
 * Opens the connections of one agent, and knows those not yet handed over: undici's `destroy()` ends the finished ones only, so a
 * handshake nobody answers would outlive it (and hold the process) until its time limit.
 */
export interface Connector {
  readonly connect: buildConnector.connector;
  /** Ends every connection that is still being opened; further ones are ended as soon as they are asked for. */
  close(): void;
}

/** How long TCP and TLS together may take. A host that needs longer is down. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Host names resolve to public addresses only, except those in `privateHosts`. */
export function createConnector(privateHosts: readonly string[], lookup: LookupFunction = createPublicLookup(privateHosts)): Connector {
  // Over HTTP/2 one lost packet or one reset would delay the polls of every instance on the host at once.
  const options = { allowH2: false, timeout: CONNECT_TIMEOUT_MS, lookup } as buildConnector.BuildOptions; // The type wants a port and host.
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
 * A server that wants a certificate of ours says so after the handshake (TLS 1.3) and closes. Undici would tell of the end alone: unless the
 * connection ends with what came first.
 */
export function endOnAlert(socket: Socket | null): void {
  socket?.once('error', (fault) => socket.destroy(fault));
}
