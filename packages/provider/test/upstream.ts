import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import type { Credentials } from '../src/credentials.ts';
import { TEST_CERTIFICATE, TEST_KEY } from './certificate.ts';

export const TOKEN = 'tokentokentoken_0123456789-secret';

/** For tests: a server on a free port that does exactly what the test says. */
export interface Upstream {
  readonly credentials: Credentials;
  /** Every accepted connection, in order. */
  readonly sockets: readonly Socket[];
  close(): Promise<void>;
}

/** Answers over HTTP. */
export function openUpstream(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Upstream> {
  return listen(createHttpServer({ keepAliveTimeout: 60_000 }, answer));
}

/**
 * Answers over HTTPS with `TEST_CERTIFICATE`. Its `sockets` are those that finished the handshake.
 */
export function openTlsUpstream(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<Upstream> {
  const options = { key: TEST_KEY, cert: TEST_CERTIFICATE, ALPNProtocols: ['h2', 'http/1.1'], keepAliveTimeout: 60_000 };
  return listen(createHttpsServer(options, answer), 'https');
}

/** Sends raw bytes: `onRequest` runs when the head of a request has arrived on a connection. */
export function openRawUpstream(onRequest: (socket: Socket) => void): Promise<Upstream> {
  return listen(
    createTcpServer((socket) => {
      socket.once('data', () => onRequest(socket));
    }),
  );
}

export function replyJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** Resolves when the connection is closed, also after a reset (`events.once` would throw then). */
export function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function listen(server: Server, scheme: 'http' | 'https' = 'http'): Promise<Upstream> {
  const sockets: Socket[] = [];
  server.on(scheme === 'https' ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.push(socket);
    // A client that drops the connection is what many of these tests are about.
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    credentials: { instanceId: '1101000001', apiToken: TOKEN, apiUrl: `${scheme}://127.0.0.1:${portOf(server)}` },
    sockets,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Expected a TCP address');
  return address.port;
}
