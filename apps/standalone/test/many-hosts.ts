/** For tests: a provider at more hosts than the metrics name. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Addresses of a provider, each of which is another host. */
export interface ManyHosts {
  readonly urls: readonly string[];
  close(): Promise<void>;
}

const HOSTS = 60;

/** Answers on the whole loopback network that every instance is about to start. */
export async function openManyHosts(): Promise<ManyHosts> {
  const server = createServer((request, response) => {
    const answer = request.url?.includes('/qr/') === true ? { type: 'error', message: 'it is starting' } : { stateInstance: 'starting' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    urls: Array.from({ length: HOSTS }, (_, n) => `http://127.0.0.${n + 2}:${port}`),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
