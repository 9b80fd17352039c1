/** For the twins of the fuzz: careless programs in the place of ours, and that what is wrong with them is found and made small. */

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import type { Releasers } from '@qrcast/runtime/releasers';
import { expect } from 'vitest';
import { WebSocketServer } from 'ws';
import { type Edge, runEdge, type Subject } from './run-edge.ts';

/** Whom the inputs are sent as. */
export const names = {
  target: { sessionId: 'ses_1', ticket: 'ticket', instance: { idInstance: '1101000001' } as never }, // its id is all that is read
  tenant: { id: 'acme', apiKey: 'key', webhookToken: 'token' },
  adminKey: 'admin',
  planted: 'planted-0123456789',
};

/** What a program met that it did not expect, as a crash would be noticed in the log of a role. */
export interface WatchedSubject extends Subject {
  readonly met: string[];
  /** What it throws counts as a crash. */
  watched<T>(work: () => T): T | undefined;
}

export function createSubject(): WatchedSubject {
  const met: string[] = [];
  return {
    met,
    watched(work) {
      try {
        return work();
      } catch (error) {
        met.push(`crashed: ${String(error)}`);
        return undefined;
      }
    },
    ready: async () => undefined,
    faults: async (answers) => [...met.splice(0), ...(answers.includes(names.planted) ? ['a secret'] : [])],
  };
}

export interface Careless {
  readonly port: () => number;
  readonly subject: WatchedSubject;
}

/** A server that answers 204, or whatever `handle` says. On `/v1/ws` it takes every message for one of its own. */
export async function openCareless(
  releasers: Releasers,
  handle: (request: IncomingMessage, body: string) => string | undefined,
): Promise<Careless> {
  const subject = createSubject();
  const server = createServer(async (request, response) => {
    const body = await textOf(request).catch(() => null);
    if (body === null) return; // the caller has gone
    const said = subject.watched(() => handle(request, body));
    response.writeHead(said === undefined ? 204 : 200, { connection: 'close' }).end(said);
  });
  const webSockets = new WebSocketServer({ server, path: '/v1/ws' });
  webSockets.on('connection', (socket) => {
    socket.on('error', () => undefined); // refused by the library
    socket.on('message', (data) => {
      subject.watched(() => (JSON.parse(String(data)) as { type: string }).type.toLowerCase());
      socket.send('{"state":"waiting"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  releasers.push('careless server', async () => {
    for (const client of webSockets.clients) client.terminate();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { port: () => port, subject };
}

/** Small, for each step of the shrinking waits for the slowest of a batch. */
const BATCH_SIZE = 4;

/** The error names the seed, and tells a batch of one input or two. */
export async function expectFound<Input>(edge: Edge<Input>, by: Subject, words: RegExp): Promise<void> {
  const error: Error = await runEdge({ ...edge, batchSize: BATCH_SIZE }, by, { seed: 42, runs: 100 }).then(
    () => Promise.reject(new Error('nothing was found')),
    (found: Error) => found,
  );
  expect(error.message).toMatch(/seed: 42, path: "[\d:]+"/);
  // A few inputs, each with several changes, are thousands of characters.
  expect(/Counterexample: (.*)\n/.exec(error.message)?.[1]?.length).toBeLessThan(1_000);
  expect(error.message).toMatch(/Shrunk \d+ time/);
  expect(String((error.cause as Error).message)).toMatch(words);
}
