/** For tests: callers over every transport, which record everything they receive. */

import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface CallOptions {
  readonly secret?: string;
  /** A string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Stream {
  /** Resolves to the first message, past or future, that contains this text. */
  until(text: string): Promise<string>;
  send(message: unknown): void;
  close(): void;
}

export interface Callers {
  call(method: string, url: string, options?: CallOptions): Promise<Answer>;
  socketIo(url: string, ticket: string, transports: ('websocket' | 'polling')[]): Stream;
  webSocket(url: string, ticket: string): Stream;
  /** Of the ticket's session, unless another path is named. */
  events(url: string, secret: string, path?: string): Stream;
  /** Refusals with their headers, and other answers without the fields that hand over a secret. */
  refusals(): readonly string[];
  answers(): readonly string[];
  /** Every message of every stream. */
  messages(): readonly string[];
  close(): void;
}

/** The fields that return a secret to the caller who created it. */
const HANDED_OVER = /"(ticket|pageUrl|apiKey|webhookToken|callbackSecret)":"[^"]*"/g;
const MAKES_SECRETS = /^POST \S*\/v1\/(sessions|sessions\/[^/]+\/tickets|admin\/tenants|admin\/tenants\/[^/]+\/(keys|callback-secret))$/;

/** Takes the secrets out of the answer to the call that created them. */
export function withoutMade(method: string, url: string, text: string): string {
  return MAKES_SECRETS.test(`${method} ${url}`) ? text.replace(HANDED_OVER, '"$1":"[made]"') : text;
}

/** Everything that the callers received, and how to end their streams. */
interface Records {
  readonly refusals: string[];
  readonly answers: string[];
  readonly messages: string[];
  readonly open: Set<() => void>;
}

export function createCallers(): Callers {
  const records: Records = { refusals: [], answers: [], messages: [], open: new Set() };
  return {
    call: (method, url, options) => call(records, method, url, options),
    socketIo: (url, ticket, transports) => createStream(records, (told) => startSocketIo(url, ticket, transports, told)),
    webSocket: (url, ticket) => createStream(records, (told) => startWebSocket(url, ticket, told)),
    events: (url, secret, path) => createStream(records, (told) => startEvents(url, secret, told, path)),
    refusals: () => records.refusals,
    answers: () => records.answers,
    messages: () => records.messages,
    close() {
      for (const close of records.open) close();
    },
  };
}

async function call(
  { answers, refusals }: Records,
  method: string,
  url: string,
  { secret, body, headers = {} }: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const told = `${response.status} ${JSON.stringify([...response.headers])} `;
  (response.ok ? answers : refusals).push(told + (response.ok ? withoutMade(method, url, text) : text));
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, text, body: (isJson ? JSON.parse(text) : {}) as Answer['body'] };
}

/** Takes one received message as text. */
type Told = (text: string) => void;
type Connection = Pick<Stream, 'send' | 'close'>;

function createStream({ messages, open }: Records, start: (told: Told) => Connection): Stream {
  const mine: string[] = [];
  const looking = new Set<() => void>();
  const { send, close } = start((text) => {
    mine.push(text);
    messages.push(text);
    for (const look of looking) look();
  });
  open.add(close);
  return {
    send,
    close,
    until: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = mine.find((message) => message.includes(text));
          if (found === undefined) return;
          looking.delete(look);
          resolve(found);
        };
        looking.add(look);
        look();
      }),
  };
}

function startSocketIo(url: string, ticket: string, transports: ('websocket' | 'polling')[], told: Told): Connection {
  const socket = io(url, { auth: { ticket }, transports, reconnection: false, forceNew: true });
  socket.onAny((...message: unknown[]) => told(JSON.stringify(message)));
  socket.on('connect_error', (error: Error & { data?: unknown }) => told(JSON.stringify(['connect_error', error.message, error.data])));
  socket.on('disconnect', (reason) => told(JSON.stringify(['disconnect', reason])));
  return {
    send: (message) => socket.emit(...(message as [string]), (ack: unknown) => told(JSON.stringify(['ack', ack]))),
    close: () => void socket.disconnect(),
  };
}

function startWebSocket(url: string, ticket: string, told: Told): Connection {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/ws`, 'qrcast.v1');
  const isOpen = new Promise((resolve) => socket.once('open', resolve));
  const send = (message: unknown): void => void isOpen.then(() => socket.send(JSON.stringify(message)));
  socket.on('message', (data) => told(String(data)));
  socket.on('close', (code, reason) => told(`closed ${code} ${reason}`));
  socket.on('error', (error) => told(`failed ${error.message}`));
  send({ type: 'subscribe', ref: 1, ticket });
  return { send, close: () => socket.terminate() };
}

function startEvents(url: string, secret: string, told: Told, path = '/v1/sessions/self/events'): Connection {
  const stop = new AbortController();
  // A failure means that the connection was lost, or that we ended it.
  readEvents(url + path, secret, stop.signal, told).catch(() => told('ended'));
  return { send: () => undefined, close: () => stop.abort() };
}

async function readEvents(url: string, secret: string, signal: AbortSignal, told: Told): Promise<void> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${secret}` }, signal });
  told(`${response.status} ${JSON.stringify([...response.headers])}`);
  let text = '';
  for await (const part of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    const events = (text + part).split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) told(event);
  }
  told('ended');
}
