/**
 * For tests: the gateway's end of a stream on real sockets, whose every message the test controls.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Closed, Fresh, OpenRequest, RequestPace, Session, Transport, TransportConnection, TransportHandlers } from '../src/types.ts';

/** One connection of a client, as the gateway sees it. */
export interface PeerViewer {
  readonly asked: Pick<OpenRequest, 'ticket' | 'after' | 'formats' | 'visible'>;
  accept(): void;
  session(session: unknown): void;
  fresh(fresh: Fresh): void;
  draining(retryAfterMs: number): void;
  /** Sends something that is not a message of the protocol. */
  nonsense(): void;
  /** Sends a keep-alive without a meaning. */
  breathe(): void;
  closing(code: string, number: number): void;
  /** Refuses the connection. Call it before `accept`. */
  refuse(error: Refusal, number?: number): void;
  /** Ends the connection without a reason. */
  cut(): void;
  readonly gone: Promise<unknown>;
}

export interface Refusal {
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

export interface Peer {
  readonly url: string;
  /** The next one, in order of arrival. */
  viewer(): Promise<PeerViewer>;
  /** The URLs of all requests. */
  readonly paths: readonly string[];
  close(): Promise<void>;
}

/** A queue, first in, first out, whose reader can wait for the next item. */
export function createInbox<T>() {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    put(item: T): void {
      const take = waiting.shift();
      if (take === undefined) items.push(item);
      else take(item);
    },
    take(): Promise<T> {
      const item = items.shift();
      return item === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(item);
    },
  };
}

export async function openServer(listener: RequestListener) {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    server,
    url: `http://127.0.0.1:${port}`,
    async close(): Promise<void> {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export async function openSsePeer(): Promise<Peer> {
  const viewers = createInbox<PeerViewer>();
  const paths: string[] = [];
  const { url, close } = await openServer((request, response) => {
    paths.push(request.url ?? '');
    viewers.put(toSseViewer(request, response));
  });
  return { url, paths, viewer: viewers.take, close };
}

function toSseViewer(request: IncomingMessage, response: ServerResponse): PeerViewer {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://peer');
  const event = (type: string, data: unknown): void => void response.write(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
  return {
    asked: {
      ticket:
        pathname === '/v1/sessions/self/events' ? (request.headers.authorization ?? '').replace('Bearer ', '') : `wrong path ${pathname}`,
      after: Number(request.headers['last-event-id'] ?? 0),
      formats: searchParams.get('formats')?.split(',') as OpenRequest['formats'],
      visible: searchParams.get('visible') !== 'false',
    },
    accept() {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write('retry: 1500\n\n');
    },
    session: (session) => event('session', session),
    fresh: (fresh) => event('fresh', fresh),
    draining: (retryAfterMs) => event('draining', { retryAfterMs }),
    nonsense() {
      event('session', { id: 'ses_1' });
      event('fresh', null);
      event('something_new', {});
      response.write('event: session\ndata: {\n\n');
    },
    breathe: () => void response.write(':\n\n'),
    closing(code, number) {
      event('closing', { code, number, retryable: false });
      response.end();
    },
    refuse(error) {
      response.writeHead(403, { 'content-type': 'application/problem+json; charset=utf-8' }).end(JSON.stringify(error));
    },
    cut: () => void response.destroy(),
    gone: once(response, 'close'),
  };
}

export interface WebSocketPeer extends Peer {
  viewer(): Promise<WebSocketViewer>;
}

export async function openWebSocketPeer(): Promise<WebSocketPeer> {
  const viewers = createInbox<WebSocketViewer>();
  const paths: string[] = [];
  const { server, url, close } = await openServer((_request, response) => void response.writeHead(404).end());
  const sockets = new WebSocketServer({ server, handleProtocols: (offered) => (offered.has('qrcast.v1') ? 'qrcast.v1' : false) });
  sockets.on('connection', (socket, request) => {
    paths.push(request.url ?? '');
    const asked: Asked = { ticket: '', after: 0, formats: undefined, visible: true };
    const viewer = toWebSocketViewer(socket, asked);
    listen(socket, request, asked, viewer, viewers.put);
  });
  return {
    url,
    paths,
    viewer: viewers.take,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      await close();
    },
  };
}

type Asked = { -readonly [K in keyof PeerViewer['asked']]: PeerViewer['asked'][K] };

const sendFrame = (socket: WebSocket, frame: object): void => socket.send(JSON.stringify(frame));

/** Reads the client's frames. `onSubscribe` gets the viewer whenever it subscribes. */
function listen(
  socket: WebSocket,
  request: IncomingMessage,
  asked: Asked,
  viewer: WebSocketViewer,
  onSubscribe: (viewer: WebSocketViewer) => void,
): void {
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Record<string, unknown> & Partial<OpenRequest>;
    if (frame['type'] === 'visible') asked.visible = frame.visible === true;
    if (frame['type'] === 'ping' && !viewer.isDeaf) sendFrame(socket, { type: 'pong' });
    if (frame['type'] !== 'subscribe') return viewer.heard.put(frame);
    Object.assign(asked, {
      ticket: request.url === '/v1/ws' ? frame.ticket : `wrong path ${request.url}`,
      after: frame.after ?? 0,
      formats: frame.formats,
    });
    onSubscribe(viewer);
  });
}

function toWebSocketViewer(socket: WebSocket, asked: Asked): WebSocketViewer {
  const send = (frame: object): void => sendFrame(socket, frame);
  return {
    asked,
    isDeaf: false,
    heard: createInbox(),
    accept: () => send({ type: 'ok', ref: 1, sessionId: 'ses_1' }),
    session: (session) => send({ type: 'session', session }),
    fresh: (fresh) => send({ type: 'fresh', ...fresh }),
    draining: (retryAfterMs) => send({ type: 'draining', retryAfterMs }),
    nonsense() {
      send({ type: 'session', session: { id: 'ses_1' } });
      send({ type: 'fresh' });
      send({ type: 'something_new' });
      socket.send('{');
      socket.send('null');
      socket.send(Buffer.from('{}'));
    },
    breathe: () => send({ type: 'something_new' }),
    closing: (code, number) => socket.close(number, code),
    refuse(error, number) {
      send({ type: 'error', ref: 1, error });
      if (number !== undefined) socket.close(number);
    },
    turnAway(error, number) {
      send({ type: 'error', error });
      socket.close(number);
    },
    cut: () => socket.terminate(),
    gone: once(socket, 'close'),
  };
}

export interface WebSocketViewer extends PeerViewer {
  /** Reads messages and answers none by itself. */
  isDeaf: boolean;
  /** Refuses the connection, not its subscription. */
  turnAway(error: Refusal, number: number): void;
  /** The frames of the client except `subscribe`. */
  readonly heard: ReturnType<typeof createInbox<Record<string, unknown>>>;
}

/** For tests that are not about the pace: no request waits. */
export const FREE_PACE: RequestPace = { waitMs: () => 0, take: () => undefined };

/** A transport's connection that records what the transport reports. */
export interface Recorded {
  readonly connection: TransportConnection;
  /** The next of `open`, `session <version>`, `fresh <version>` and `closed`. */
  next(): Promise<string>;
  /** How it ended. */
  readonly closed: Promise<Closed>;
  /** All sessions. */
  readonly told: readonly string[];
}

export function openRecorded(transport: Transport, request: Partial<OpenRequest> & Pick<OpenRequest, 'url'>): Recorded {
  const told: string[] = [];
  const news = createInbox<string>();
  const tell = (word: string): void => {
    told.push(word);
    news.put(word);
  };
  const { promise: closed, resolve } = Promise.withResolvers<Closed>();
  const handlers: TransportHandlers = {
    onOpen: () => tell('open'),
    onSession: ({ version }: Session) => tell(`session ${version}`),
    onFresh: ({ version }) => tell(`fresh ${version}`),
    onClosed(how) {
      tell('closed');
      resolve(how);
    },
  };
  const connection = transport.open({ ticket: 'the-ticket', formats: undefined, after: 0, visible: true, ...request }, handlers);
  return { connection, told, closed, next: news.take };
}
