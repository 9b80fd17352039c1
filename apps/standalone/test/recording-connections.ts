/** For fault tests: one connection over each transport. Silence counts as a lost connection. */

import { randomUUID } from 'node:crypto';
import type { ServerFrame } from '@qrcast/core/stream-messages';
import type { WireSession } from '@qrcast/core/wire';
import { io, type ManagerOptions, type SocketOptions } from 'socket.io-client';
import { WebSocket } from 'ws';

/** `at` is `performance.now()` of this process, ms. */
export type Heard = { readonly at: number } & (
  | { readonly kind: 'session'; readonly session: WireSession }
  | { readonly kind: 'fresh'; readonly version: number; readonly staleAt: number }
  | { readonly kind: 'closing'; readonly code: string }
  | { readonly kind: 'opened'; readonly url: string }
  | { readonly kind: 'lost'; readonly why: string }
);

/** `Omit` of a union would lose its kinds. */
export type Unstamped = Heard extends infer One ? (One extends Heard ? Omit<One, 'at'> : never) : never;

/** One connection. `lost` resolves with the reason when it has ended, for whatever cause. */
export interface Connection {
  readonly lost: Promise<string>;
  close(): void;
}

export interface ConnectionRequest {
  readonly url: string;
  readonly ticket: string;
  /** The newest version that the client has; 0: none. */
  readonly after: number;
  hear(message: Unstamped): void;
}

/** PROTOCOL.md: after this time without a ping or a comment a stream is dead. */
const SILENT_MS = 45_000;
const HOLD_SECONDS = 20;

/** Resolves once, and ends the connection when nothing was heard for too long. */
function createLoss(end: () => void): { readonly lost: Promise<string>; lose(why: string): void; alive(): void } {
  const { promise: lost, resolve } = Promise.withResolvers<string>();
  const lose = (why: string): void => {
    clearTimeout(timer);
    resolve(why);
    end();
  };
  const timer = setTimeout(() => lose('silence'), SILENT_MS);
  void lost.then(() => clearTimeout(timer));
  return { lost, lose, alive: () => void timer.refresh() };
}

export const openSocketIo = (request: ConnectionRequest): Connection => connectSocketIo(request, { transports: ['websocket'] });

/** It needs a balancer that routes by `affinity`. */
export const openSocketIoPolling = (request: ConnectionRequest): Connection =>
  connectSocketIo(request, { transports: ['polling'], query: { affinity: randomUUID() } });

/** As of a stock client: it begins with polling, and needs a balancer that routes by the client's address. */
export const openSocketIoDefaults = (request: ConnectionRequest): Connection => connectSocketIo(request, {});

function connectSocketIo({ url, ticket, after, hear }: ConnectionRequest, options: Partial<ManagerOptions & SocketOptions>): Connection {
  const { origin, pathname } = new URL(url);
  const path = `${pathname.replace(/\/$/, '')}/socket.io`;
  const socket = io(origin, { auth: { ticket, after }, path, reconnection: false, forceNew: true, ...options });
  const { lost, lose, alive } = createLoss(() => socket.disconnect());
  socket.io.on('ping', alive);
  socket.on('connect', () => hear({ kind: 'opened', url }));
  socket.on('session', (session: WireSession) => hear({ kind: 'session', session }));
  socket.on('fresh', ({ version, staleAt }: { version: number; staleAt: number }) => hear({ kind: 'fresh', version, staleAt }));
  socket.on('closing', ({ code }: { code: string }) => hear({ kind: 'closing', code }));
  socket.on('connect_error', (error: Error & { data?: { code?: string } }) => lose(error.data?.code ?? error.message));
  socket.on('disconnect', (reason) => lose(reason));
  return { lost, close: () => lose('closed') };
}

export function openWebSocket({ url, ticket, after, hear }: ConnectionRequest): Connection {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`, 'qrcast.v1');
  const { lost, lose, alive } = createLoss(() => socket.terminate());
  socket.on('ping', alive);
  socket.on('open', () => {
    hear({ kind: 'opened', url });
    socket.send(JSON.stringify({ type: 'subscribe', ticket, after }));
  });
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as ServerFrame; // the gateway's own tests check its shape
    alive();
    if (frame.type === 'session') hear({ kind: 'session', session: frame.session });
    if (frame.type === 'fresh') hear({ kind: 'fresh', version: frame.version, staleAt: frame.staleAt });
  });
  socket.on('error', (error) => lose(error.message));
  socket.on('close', (code, reason) => {
    if (reason.length > 0) hear({ kind: 'closing', code: String(reason) });
    lose(`closed ${code} ${reason}`);
  });
  return { lost, close: () => lose('closed') };
}

export function openSse({ url, ticket, after, hear }: ConnectionRequest): Connection {
  const gone = new AbortController();
  const { lost, lose, alive } = createLoss(() => gone.abort());
  const headers = { authorization: `Bearer ${ticket}`, 'last-event-id': String(after) };

  function take(event: string): void {
    alive();
    const name = /^event: (.*)$/m.exec(event)?.[1];
    const text = /^data: (.*)$/m.exec(event)?.[1];
    if (name === undefined || text === undefined) return; // a comment, or `retry`
    if (name === 'session') hear({ kind: 'session', session: JSON.parse(text) as WireSession });
    if (name === 'fresh') hear({ kind: 'fresh', ...(JSON.parse(text) as { version: number; staleAt: number }) });
    if (name === 'closing') hear({ kind: 'closing', code: (JSON.parse(text) as { code: string }).code });
  }

  async function read(): Promise<string> {
    const response = await fetch(`${url}/v1/sessions/self/events`, { headers, signal: gone.signal });
    if (response.status !== 200 || response.body === null) return `answered ${response.status}`;
    hear({ kind: 'opened', url });
    let text = '';
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (text + part).split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) take(event);
    }
    return 'ended';
  }
  read().then(lose, (error: unknown) => lose(String(error)));
  return { lost, close: () => lose('closed') };
}

/** One request after the other, until one fails. */
export function openLongPoll({ url, ticket, after, hear }: ConnectionRequest): Connection {
  const gone = new AbortController();
  const { lost, lose, alive } = createLoss(() => gone.abort());
  const target = `${url}/v1/sessions/self?wait=${HOLD_SECONDS}`;

  async function poll(): Promise<string> {
    let known = after;
    for (let isFirst = true; ; isFirst = false) {
      const headers = { authorization: `Bearer ${ticket}`, ...(known === 0 ? {} : { 'if-none-match': `"${known}"` }) };
      const response = await fetch(target, { headers, signal: gone.signal });
      alive();
      if (isFirst && response.status < 400) hear({ kind: 'opened', url });
      if (response.status === 304) continue;
      if (response.status !== 200) return `answered ${response.status}`;
      const { session } = (await response.json()) as { session: WireSession };
      hear({ kind: 'session', session });
      known = session.version;
      if (session.state === 'connected' || session.end?.resumable === false) return 'done';
    }
  }
  poll().then(lose, (error: unknown) => lose(String(error)));
  return { lost, close: () => lose('closed') };
}
