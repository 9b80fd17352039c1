/** A host that accepts every connection and never answers. */

import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import type { Releasers } from '@qrcast/runtime/releasers';
import { serveRole } from '../role-process.ts';

export type DeadHostMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  const sockets = new Set<Socket>();
  let most = 0;
  return {
    async start(): Promise<{ url: string }> {
      const server = createServer((socket) => {
        sockets.add(socket);
        most = Math.max(most, sockets.size);
        socket.on('error', () => undefined); // the worker gave up
        socket.once('close', () => sockets.delete(socket));
        socket.resume();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      releasers.push('sockets', () => {
        server.close();
        for (const socket of sockets) socket.destroy();
      });
      return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }; // it listens on TCP
    },
    /** The most connections that were open at once since the start. */
    most: (): number => most,
  };
}

serveRole(createMethods);
