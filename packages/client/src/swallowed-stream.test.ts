/**
 * Streams that open and then carry nothing, as behind a proxy that buffers an answer before it
 * passes it on. Long-poll then brings the code.
 */

import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createGzip } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { openServer } from '../test/peer.ts';
import { showing } from '../test/session.ts';
import type { SessionWatch, TransportName } from './types.ts';
import { watchSession } from './watch-session.ts';

const releases: (() => unknown)[] = [];
let asked: TransportName[];
beforeEach(() => {
  asked = [];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'], now: 1_000_000 }); // ours; the sockets' go on
});
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
  vi.useRealTimers();
});

/** A gateway that shows a code over every transport. */
async function openGateway(answerStream: (response: ServerResponse) => void = stream) {
  const gateway = await openServer(({ url = '' }, response) => {
    asked.push(url.includes('/events') ? 'sse' : 'long-poll');
    if (url.includes('/events')) answerStream(response);
    else if (!url.includes('wait=')) response.setHeader('content-type', 'application/json').end(JSON.stringify({ session: showing(3) }));
  });
  releases.push(gateway.close);
  return gateway;
}

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('retry: 1500\n\n');
  response.write(`event: session\ndata: ${JSON.stringify(showing(3))}\n\n`);
}

type Handle = (answer: IncomingMessage, response: ServerResponse) => void;

/** A proxy before a gateway, without WebSockets. `handle` is what it does to a stream. */
async function openProxy(target: string, handle: Handle): Promise<string> {
  const proxy = await openServer((request, response) => {
    const onward = forward(`${target}${request.url}`, { method: request.method, headers: request.headers }, (answer) => {
      if (answer.headers['content-type'] === 'text/event-stream') handle(answer, response);
      else answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers));
    });
    onward.on('error', () => response.destroy()); // the client has left
    response.on('close', () => onward.destroy());
    onward.end();
  });
  releases.push(proxy.close);
  return proxy.url;
}

const PROXIES: Readonly<Record<string, Handle>> = {
  /** Like express with `compression()`. */
  'compresses it, and waits for more': (answer, response) => {
    response.writeHead(200, { ...answer.headers, 'content-encoding': 'gzip' }).flushHeaders();
    answer.pipe(createGzip()).pipe(response);
  },
  'hands on its headers and waits for its end': (_answer, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  },
  'waits for its end': () => undefined,
  'hands on half of the first event': (answer, response) => {
    response.writeHead(200, answer.headers);
    answer.once('data', (chunk: Buffer) => response.write(chunk.subarray(0, 40)));
  },
};

/**
 * Moves our clock until then, about ten times as fast as the sockets'. How long everything takes is
 * tested in keep-connected-silent.test.ts.
 */
async function until(isSo: () => boolean): Promise<void> {
  for (let seen = Date.now(); !isSo(); await new Promise(setImmediate)) {
    if (Date.now() === seen) continue;
    seen = Date.now();
    vi.advanceTimersByTime(10);
  }
}

function open(url: string): SessionWatch {
  const watch = watchSession({ url, ticket: 't' });
  releases.push(() => watch.close());
  return watch;
}

describe.each(Object.entries(PROXIES))('a stream behind a proxy that %s', (_name, handle) => {
  it('is replaced by long-poll in time, and is not tried again at once', async () => {
    const gateway = await openGateway();
    const watch = open(await openProxy(gateway.url, handle));
    await until(() => watch.snapshot.session?.code != null);
    expect(watch.snapshot.connection).toEqual({ status: 'open', transport: 'long-poll' });
    expect(asked.filter((transport) => transport === 'sse')).toHaveLength(1);
    asked = [];
    gateway.server.closeAllConnections();
    await until(() => asked.length > 0);
    expect(asked).toEqual(['long-poll']);
  });
});

describe('a WebSocket', () => {
  /**
   * A proxy that answers the handshake and nothing more. It passes everything else to the gateway.
   */
  async function openDeaf(target: string): Promise<string> {
    const front = createServer();
    const sockets = new WebSocketServer({ server: front, handleProtocols: () => 'qrcast.v1' });
    const proxied = await openProxy(target, PROXIES['waits for its end'] as Handle);
    front.on('request', (request, response) => {
      forward(`${proxied}${request.url}`, { headers: request.headers }, (answer) =>
        answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers)),
      )
        .on('error', () => response.destroy())
        .end();
    });
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    releases.push(async () => {
      for (const socket of sockets.clients) socket.terminate();
      front.closeAllConnections();
      await new Promise((resolve) => front.close(resolve));
    });
    return `http://127.0.0.1:${(front.address() as { port: number }).port}`; // it listens on TCP
  }

  it('that opens and stays silent is replaced, and so is the stream after it', async () => {
    const watch = open(await openDeaf((await openGateway()).url));
    await until(() => watch.snapshot.session?.code != null);
    expect(asked.slice(0, 2)).toEqual(['sse', 'long-poll']);
  });

  it('whose handshake is never answered is replaced, too', async () => {
    const { server, url } = await openGateway();
    const held: Socket[] = [];
    server.on('upgrade', (_request, socket: Socket) => void held.push(socket));
    releases.push(() => {
      for (const socket of held) socket.destroy();
    });
    const watch = open(url);
    await until(() => watch.snapshot.session?.code != null);
    expect(watch.snapshot.connection).toEqual({ status: 'open', transport: 'sse' });
  });
});
