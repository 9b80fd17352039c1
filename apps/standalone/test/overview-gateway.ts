/**
 * For tests: the overview calls of a gateway alone, which tell what a test says and end when it
 * says so.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OverviewMessage, OverviewSession } from '../src/top/overview.ts';

export interface OverviewGateway {
  readonly url: string;
  /** The sessions of the first message of each stream that begins from now on. */
  sessions: readonly OverviewSession[];
  /** What is answered instead of a stream; null for a stream. */
  refusal: { readonly status: number; readonly code: string; readonly detail: string } | null;
  /** Tells every open stream a change. */
  tell(change: Partial<OverviewMessage>): void;
  /** Ends every open stream. */
  cut(): void;
  /** The path and the key of each call. */
  readonly calls: readonly { readonly path: string; readonly key: string }[];
  close(): Promise<void>;
}

export async function openOverviewGateway(): Promise<OverviewGateway> {
  const open = new Set<ServerResponse>();
  const calls: { path: string; key: string }[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    calls.push({ path: request.url ?? '', key: (request.headers.authorization ?? '').replace('Bearer ', '') });
    const { refusal, sessions } = gateway;
    if (refusal !== null) {
      response.writeHead(refusal.status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(refusal));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write(': hello\n\n');
    open.add(response);
    response.once('close', () => open.delete(response));
    response.write(eventOf({ sessions: [...sessions], isFirst: true }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const gateway: OverviewGateway = {
    url: `http://127.0.0.1:${port}`,
    sessions: [],
    refusal: null,
    calls,
    tell(change) {
      for (const response of open) response.write(eventOf(change));
    },
    cut() {
      for (const response of open) response.destroy();
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return gateway;
}

function eventOf(change: Partial<OverviewMessage>): string {
  const message: OverviewMessage = { at: 60_000, sessions: [], gone: [], isFirst: false, isCut: false, ...change };
  return `event: sessions\ndata: ${JSON.stringify(message)}\n\n`;
}
