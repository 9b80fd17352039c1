/**
 * For tests: an address at which Prometheus finds the metrics of one process. It is known before the
 * process runs. Before and after, it answers an empty page, so that it stands for a discovery that
 * learns of each process at once. Prometheus's own discovery needs up to ten seconds, which would be
 * minutes for rules whose durations are divided.
 */

import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface MetricsFront {
  readonly port: number;
  /** The process serves its metrics at this port from now on. */
  open(port: number): void;
  /** The process is told to stop. Once it does not answer any more, it has gone. */
  expectEnd(): void;
  close(): Promise<void>;
}

export async function openMetricsFront(): Promise<MetricsFront> {
  let target: number | null = null;
  let mayBeGone = true;

  async function pass(response: ServerResponse): Promise<void> {
    try {
      const answer = target === null ? null : await fetch(`http://127.0.0.1:${target}/metrics`);
      const text = (await answer?.text()) ?? '';
      response.writeHead(answer?.status ?? 200, { 'content-type': answer?.headers.get('content-type') ?? 'text/plain' }).end(text);
    } catch {
      if (mayBeGone) response.writeHead(200, { 'content-type': 'text/plain' }).end();
      else response.destroy(); // as if nothing were between them
    }
  }
  const server = createServer((_request, response) => void pass(response));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    open(port) {
      target = port;
      mayBeGone = false;
    },
    expectEnd() {
      mayBeGone = true;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
