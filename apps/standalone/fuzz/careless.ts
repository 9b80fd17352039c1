/**
 * For the twins of the fuzz: runs careless programs in place of ours, and expects that their fault
 * is found and shrunk.
 */

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import type { Releasers } from '@qrcast/runtime/releasers';
import { expect } from 'vitest';
import { WebSocketServer } from 'ws';
import { type Edge, runEdge, type Subject } from './run-edge.ts';

/** The tenant and session that the inputs use. */
export const names = {
  target: { sessionId: 'ses_1', ticket: 'ticket', instance: { idInstance: '1101000001' } as never }, // its id is all that is read
  tenant: { id: 'acme', apiKey: 'key', webhookToken: 'token' },
  adminKey: 'admin',
  planted: 'planted-0123456789',
};

/** The unexpected errors of a program. For a role, its log would show them. */
export interface WatchedSubject extends Subject {
  readonly met: string[];
  /** An exception counts as a crash. */
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

/**
 * A server that answers 204, or what `handle` returns. On `/v1/ws` it accepts every message without
 * a check.
 */
export async function openCareless(
  releasers: Releasers,
  handle: (request: IncomingMessage, body: string) => string | undefined,
): Promise<Careless> {
  const subject = createSubject();
  const server = createServer(async (request, response) => {
    const body = await textOf(request).catch(() => null);
    if (body === null) return; // the caller has disconnected
    const said = subject.watched(() => handle(request, body));
    response.writeHead(said === undefined ? 204 : 200, { connection: 'close' }).end(said);
  });
  const webSockets = new WebSocketServer({ server, path: '/v1/ws' });
  webSockets.on('connection', (socket) => {
    socket.on('error', () => undefined); // the library refused it
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

/** Small, because each step of shrinking waits for the slowest input of a batch. */
const BATCH_SIZE = 4;

/** Expects an error that names the seed, and shows a batch of one or two inputs. */
export async function expectFound<Input>(edge: Edge<Input>, by: Subject, words: RegExp): Promise<void> {
  const error: Error = await runEdge({ ...edge, batchSize: BATCH_SIZE }, by, { seed: 42, runs: 100 }).then(
    () => Promise.reject(new Error('nothing was found')),
    (found: Error) => found,
  );
  expect(error.message).toMatch(/seed: 42, path: "[\d:]+"/);
  // More inputs, each with several changes, would take thousands of characters.
  expect(/Counterexample: (.*)\n/.exec(error.message)?.[1]?.length).toBeLessThan(1_000);
  expect(error.message).toMatch(/Shrunk \d+ time/);
  expect(String((error.cause as Error).message)).toMatch(words);
}
