/**
 * For tests: a proxy before a gateway that fails as networks do. It refuses the first session for
 * two seconds and cuts the first try to watch. A program that gets through has honoured
 * `Retry-After` and survived a lost connection.
 */

import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type Duplex, pipeline } from 'node:stream';

export const GATE_RETRY_AFTER_MS = 2_000;

const REFUSAL = JSON.stringify({
  type: 'urn:qrcast:error:unavailable',
  title: 'Not available for now',
  status: 503,
  detail: 'the gate is closed for two seconds',
  code: 'unavailable',
  retryable: true,
  retryAfterMs: GATE_RETRY_AFTER_MS,
});

export interface Passage {
  readonly method: string;
  readonly url: string;
  /** ms, of which only differences mean something. */
  readonly at: number;
}

export interface Gate {
  readonly url: string;
  readonly passages: readonly Passage[];
  close(): Promise<void>;
}

export async function openGate(target: string): Promise<Gate> {
  const passages: Passage[] = [];
  const note = ({ method = '', url = '' }: IncomingMessage): void => void passages.push({ method, url, at: performance.now() });
  const isFirstSession = firstThat(({ method }) => method === 'POST');
  const isFirstWatch = firstThat(({ method, url = '' }) => method === 'GET' && url.startsWith('/v1/'));

  const server = createServer((incoming, response) => {
    note(incoming);
    if (isFirstWatch(incoming)) return void incoming.socket.destroy();
    if (isFirstSession(incoming)) {
      const headers = { 'content-type': 'application/problem+json', 'retry-after': String(GATE_RETRY_AFTER_MS / 1_000) };
      return void response.writeHead(503, headers).end(REFUSAL);
    }
    passRequest(target, incoming, response);
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    note(incoming);
    if (isFirstWatch(incoming)) return void socket.destroy();
    passUpgrade(target, incoming, socket, head);
  });

  // The server itself forgets those that were upgraded.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    passages,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** True for the first request that fits, and for no other. */
function firstThat(fits: (incoming: IncomingMessage) => boolean): (incoming: IncomingMessage) => boolean {
  let hasCome = false;
  return (incoming) => {
    const isFirst = !hasCome && fits(incoming);
    hasCome ||= isFirst;
    return isFirst;
  };
}

function passRequest(target: string, incoming: IncomingMessage, response: ServerResponse): void {
  const onward = request(`${target}${incoming.url}`, { method: incoming.method, headers: incoming.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.once('error', () => response.destroy()); // the gateway or the client went away
  response.once('close', () => onward.destroy());
  incoming.pipe(onward);
}

function passUpgrade(target: string, incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { hostname, port } = new URL(target);
  const onward = connect(Number(port), hostname);
  const lines = [`GET ${incoming.url} HTTP/1.1`];
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) lines.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}`);
  onward.write(`${lines.join('\r\n')}\r\n\r\n`);
  onward.write(head);
  pipeline(socket, onward, socket, () => undefined); // ends with either side
}
