/** For tests: Socket.IO by hand, packet by packet, so that a test sees what is on the wire. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import type { TestGateway } from './gateway.ts';
import { requestHead, statuses } from './raw-http.ts';
import { createUntil } from './recorder.ts';

export const REVISION = 'EIO=4';
/** Between the packets of one polled payload. */
export const SEPARATOR = '\x1e';

export interface WireAnswer {
  readonly status: number;
  readonly text: string;
}

/** A poll that the gateway has, and has no packets for yet. */
export interface PendingPoll {
  readonly answered: Promise<WireAnswer>;
  /** Resolves when the gateway knows. */
  readonly cancel: () => Promise<void>;
}

/** A session of Engine.IO over HTTP polling. */
export interface PolledSession {
  readonly sid: string;
  readonly get: () => Promise<WireAnswer>;
  readonly post: (payload: string) => Promise<WireAnswer>;
  readonly beginGet: () => Promise<PendingPoll>;
}

export async function ask(url: string, query: string, init: RequestInit = {}): Promise<WireAnswer> {
  const response = await fetch(`${url}/socket.io/?${query}`, init);
  return { status: response.status, text: await response.text() };
}

export async function openPolled(url: string): Promise<PolledSession> {
  const polling = `${REVISION}&transport=polling`;
  const opened = await ask(url, polling);
  const { sid } = JSON.parse(opened.text.slice(1)) as { sid: string };
  const query = `${polling}&sid=${sid}`;
  return {
    sid,
    get: () => ask(url, query),
    post: (body) => ask(url, query, { method: 'POST', body, headers: { 'content-type': 'text/plain;charset=UTF-8' } }),
    beginGet: () => beginGet(Number(new URL(url).port), query),
  };
}

async function beginGet(port: number, query: string): Promise<PendingPoll> {
  const socket = connect(port, '127.0.0.1');
  const closed = once(socket, 'close');
  const { until, look } = createUntil();
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
    look();
  });
  socket.write(requestHead(`GET /socket.io/?${query} HTTP/1.1`, 'Host: x', 'Connection: close', 'Expect: 100-continue'));
  await until(() => text.includes(' 100 ') || undefined);
  return {
    answered: closed.then(() => ({ status: Number(statuses(text).at(-1)), text: text.split('\r\n\r\n').at(-1) ?? '' })),
    async cancel() {
      socket.end();
      await closed; // only when the gateway has closed its side, too
    },
  };
}

export interface WireSocket {
  readonly raw: WebSocket;
  /** The packets that came, each once. Bytes are `b` and their hex. */
  readonly packets: readonly string[];
  readonly send: (packet: string | Uint8Array) => void;
  /** The first packet that begins so, past or future. */
  readonly until: (start: string) => Promise<string>;
  readonly closed: Promise<void>;
}

export function openWire(url: string, query = `${REVISION}&transport=websocket`): WireSocket {
  const raw = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?${query}`);
  const packets: string[] = [];
  const { until, look } = createUntil();
  raw.on('message', (data: Buffer, isBinary) => {
    packets.push(isBinary ? `b${data.toString('hex')}` : data.toString());
    look();
  });
  raw.on('error', () => undefined); // its close follows
  const closed = new Promise<void>((resolve) => raw.once('close', () => resolve()));
  return {
    raw,
    packets,
    send: (packet) => raw.send(packet),
    until: (start) => until(() => packets.find((one) => one.startsWith(start))),
    closed,
  };
}

/** The status that refuses an upgrade; 101 if it is accepted. */
export function askUpgrade(url: string, query: string): Promise<number | undefined> {
  const raw = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?${query}`);
  raw.on('error', () => undefined); // it is ended below
  return new Promise((resolve) => {
    raw.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode));
    raw.once('upgrade', ({ statusCode }) => resolve(statusCode));
  }).finally(() => raw.terminate()) as Promise<number | undefined>;
}

export const connectPacket = (ticket: string): string => `40${JSON.stringify({ ticket })}`;
/** The event `visible`, which is answered at once if it has an id, and changes nothing. */
export const visibleCall = (id: number): string => `42${id}["visible",{"visible":true}]`;
export const visibleAnswer = (id: number): string => `43${id}[{"ok":true}]`;
const WAITING = '"state":"waiting"';

/** A polled session that watches a session of its own, and was sent all there is. */
export async function watchPolled(test: TestGateway): Promise<PolledSession> {
  const { ticket } = await test.create();
  const polled = await openPolled(test.url);
  await polled.post(connectPacket(ticket));
  while (!(await polled.get()).text.includes(WAITING));
  return polled;
}

/** A WebSocket that watches a session of its own, and was sent all there is. */
export async function watchWire(test: TestGateway): Promise<WireSocket & { readonly sessionId: string }> {
  const { ticket, session } = await test.create();
  const wire = openWire(test.url);
  await wire.until('0');
  wire.send(connectPacket(ticket));
  while (!wire.packets.some((packet) => packet.includes(WAITING))) await once(wire.raw, 'message');
  return { ...wire, sessionId: session.id };
}
