/** That the fuzz would notice: for each edge a careless program in the place of ours, whose fault is found and made small. */

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { createReleasers } from '@qrcast/runtime/releasers';
import { SettingsError } from '@qrcast/runtime/settings';
import { afterAll, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { httpEdge } from './fuzz/http.ts';
import { notificationEdge } from './fuzz/notifications.ts';
import { settingsEdge } from './fuzz/own-side.ts';
import { openHostileProvider, providerEdge } from './fuzz/provider-answers.ts';
import { type Edge, runEdge, type Subject } from './fuzz/run-edge.ts';
import { socketIoEdge } from './fuzz/socketio.ts';
import { webSocketEdge } from './fuzz/websocket.ts';

const releasers = createReleasers();
afterAll(() => releasers.release());

const names = {
  target: { sessionId: 'ses_1', ticket: 'ticket', instance: { idInstance: '1101000001' } as never }, // its id is all that is read
  tenant: { id: 'acme', apiKey: 'key', webhookToken: 'token' },
  adminKey: 'admin',
  planted: 'planted-0123456789',
};

/** What a program met that it did not expect, as a crash would be noticed in the log of a role. */
function subject(): Subject & { readonly met: string[] } {
  const met: string[] = [];
  return {
    met,
    ready: async () => undefined,
    faults: async (answers) => [...met.splice(0), ...(answers.includes(names.planted) ? ['a secret'] : [])],
  };
}

/** Answers 204, or whatever `handle` says; what it throws counts as a crash. */
async function openCareless(
  handle: (request: IncomingMessage, body: string) => string | undefined,
): Promise<{ port: () => number; subject: Subject }> {
  const watched = subject();
  const server = createServer(async (request, response) => {
    const body = await textOf(request).catch(() => null);
    if (body === null) return; // the caller has gone
    try {
      const said = handle(request, body);
      response.writeHead(said === undefined ? 204 : 200, { connection: 'close' }).end(said);
    } catch (error) {
      watched.met.push(`crashed: ${String(error)}`);
      response.writeHead(204).end();
    }
  });
  const webSockets = new WebSocketServer({ server, path: '/v1/ws' });
  webSockets.on('connection', (socket) => {
    socket.on('error', () => undefined); // refused by the library
    socket.on('message', (data) => {
      try {
        (JSON.parse(String(data)) as { type: string }).type.toLowerCase();
      } catch (error) {
        watched.met.push(`crashed: ${String(error)}`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  releasers.push('careless server', async () => {
    for (const client of webSockets.clients) client.terminate();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { port: () => port, subject: watched };
}

/** The error names the seed, and tells a batch of one input or two. */
async function expectFound<Input>(edge: Edge<Input>, by: Subject, words: RegExp): Promise<void> {
  const error: Error = await runEdge(edge, by, { seed: 42, runs: 100 }).then(
    () => Promise.reject(new Error('nothing was found')),
    (found: Error) => found,
  );
  expect(error.message).toMatch(/seed: 42, path: "[\d:]+"/);
  // Batches of up to sixteen inputs, each with several changes, are thousands of characters.
  expect(/Counterexample: (.*)\n/.exec(error.message)?.[1]?.length).toBeLessThan(1_000);
  expect(error.message).toMatch(/Shrunk \d+ time/);
  expect(String((error.cause as Error).message)).toMatch(words);
}

it.concurrent('HTTP: a server that repeats the secret it was given', async () => {
  const { port, subject: by } = await openCareless((request) => request.headers.authorization);
  await expectFound(httpEdge({ ...names, port }), by, /a secret/);
});

it.concurrent('WebSocket: a server that takes every message for one of its own', async () => {
  const { port, subject: by } = await openCareless(() => undefined);
  await expectFound(webSocketEdge({ ...names, port }), by, /crashed: (Syntax|Type)Error/);
});

it.concurrent('Socket.IO: a server that reads as many attachments as a packet announces', async () => {
  const { port, subject: by } = await openCareless((request, body) => {
    if (request.method === 'GET') return '0{"sid":"abc"}';
    if (body.split('\x1e').some((packet) => /^45[1-9]/.test(packet))) throw new Error('attachments that never came');
    return undefined;
  });
  await expectFound(socketIoEdge({ ...names, port }), by, /attachments that never came/);
});

it.concurrent('notifications: a server that trusts their shape', async () => {
  const { port, subject: by } = await openCareless((_request, body) => {
    const { instanceData } = JSON.parse(body) as { instanceData: { idInstance: number } };
    instanceData.idInstance.toFixed();
    return undefined;
  });
  await expectFound(notificationEdge({ ...names, port }), by, /crashed: (Syntax|Type)Error/);
});

it.concurrent('provider answers: a client that takes them for JSON', async () => {
  const hostile = await openHostileProvider(names.planted);
  releasers.push('hostile provider', () => hostile.close());
  const ask = async ({ apiUrl, instanceId }: { apiUrl: string; instanceId: string }) => {
    const answer = await fetch(`${apiUrl}/waInstance${instanceId}/qr`, { signal: AbortSignal.timeout(300) });
    return { kind: 'trouble', code: ((await answer.json()) as { type: string }).type } as never; // any outcome will do
  };
  await expectFound(providerEdge(hostile, { poll: ask, sendPassword: ask, getSettings: ask }), subject(), /no outcome/);
});

it.concurrent('environment: a reader that throws what its parser says', async () => {
  const read = (env: Readonly<Record<string, string | undefined>>): void => {
    if (env['PORT'] !== undefined && !/^\d/.test(env['PORT'])) throw new SettingsError([`PORT: ${env['PORT']} is no number`]);
  };
  await expectFound(settingsEdge(names.planted, read), subject(), /a secret/);
});
