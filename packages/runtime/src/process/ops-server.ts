/**
 * Serves `/healthz` (the process is alive) and `/readyz` (it can do its work now) for roles that
 * serve nothing else.
 */

import { createServer } from 'node:http';
import { notReadyReason } from '../redis/connections.ts';

export interface OpsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws if the port is taken. */
export async function openOpsServer(port: number, ready: () => Promise<void>): Promise<OpsServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(`${text}\n`);
    };
    if (request.url === '/healthz') answer(200, 'alive');
    else if (request.url === '/readyz')
      ready().then(
        () => answer(200, 'ready'),
        (error: unknown) => answer(503, `not ready: ${notReadyReason(error)}`),
      );
    else answer(404, 'only /healthz and /readyz are here');
  });
  server.requestTimeout = 5_000;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, () => resolve()));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
