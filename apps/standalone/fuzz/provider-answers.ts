/**
 * The edge of the provider's answers: bytes that a server, a proxy in front of it, or somebody else
 * at its address may send. They are tried on the client alone, which can read thousands, and on a
 * worker that polls.
 */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { Provider } from '@qrcast/provider/provider';
import { ProviderError } from '@qrcast/provider/provider-error';
import fc from 'fast-check';
import { type Damage, damaged, damages } from './bytes.ts';
import type { Edge, Seen } from './run-edge.ts';
import { changedJson, hostileText, type JsonChange, jsonChange, render, type Text } from './values.ts';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==';

const BODIES: readonly unknown[] = [
  { type: 'qrCode', message: PNG },
  { type: 'error', message: 'not_ready' },
  { type: 'already_registered', message: 'instance account already authorized' },
  { type: 'pendingPassword', message: '2FA password required' },
  { stateInstance: 'notAuthorized' },
  { stateInstance: 'authorized' },
  { stateInstance: 'suspended' },
  { wid: '79990000000@c.us', phone: '79990000000', stateInstance: 'authorized', suspendedUntil: 1 },
  { isLogout: true },
  { status: true, data: { status: 'fail', reason: 'invalid_password', retryAfter: 60 } },
  { stateWebhook: 'yes', webhookUrl: 'https://a.example/', webhookUrlToken: ':planted' },
  { saveSettings: true },
  null,
];

const STATUSES = [
  '200 OK',
  '200',
  '204 No Content',
  '101 Switching Protocols',
  '100 Continue',
  '301 Moved',
  '304 Not Modified',
  '401 U',
  '429 Too Many',
  '466 Quota',
  '500 I',
  '503 S',
  '999 x',
  '20 x',
  '',
];
const HEADERS = [
  'Retry-After: 2592000',
  'Retry-After: -1',
  'Retry-After: 1e999',
  'Retry-After: Thu, 01 Jan 1970 00:00:00 GMT',
  'Retry-After: \xff',
  'Location: http://127.0.0.1:1/',
  'Content-Encoding: gzip',
  'Content-Encoding: br, gzip, gzip, gzip',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Content-Length: 5',
  'Content-Length: 99999999999',
  'Content-Length: 5\r\nContent-Length: 6',
  'Content-Type: application/json; charset=windows-1251',
  'Connection: close',
  'Connection: Upgrade\r\nUpgrade: h2c',
  'Keep-Alive: timeout=-1',
  'Keep-Alive: timeout=1e999',
  'Set-Cookie: a=b',
  'Trailer: X',
];

/** How the body is sent. */
const WAYS = ['length', 'close', 'chunked', 'gzip', 'bad chunk', 'never ends', 'cut', 'nothing', 'huge', 'twice'] as const;

export interface ProviderAnswer {
  readonly status: string;
  readonly headers: readonly string[];
  readonly body: { readonly nth: number; readonly json: readonly JsonChange[] } | { readonly text: Text };
  readonly way: (typeof WAYS)[number];
  readonly damages: readonly Damage[];
}

const providerAnswer: fc.Arbitrary<ProviderAnswer> = fc.record({
  status: fc.oneof({ weight: 3, arbitrary: fc.constant('200 OK') }, fc.constantFrom(...STATUSES)),
  headers: fc.array(fc.constantFrom(...HEADERS), { maxLength: 2 }),
  body: fc.oneof(
    { weight: 4, arbitrary: fc.record({ nth: fc.nat(BODIES.length - 1), json: fc.array(jsonChange, { maxLength: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ text: hostileText }) },
  ),
  way: fc.oneof({ weight: 3, arbitrary: fc.constant('length' as const) }, fc.constantFrom(...WAYS)),
  damages,
});

/** The written bytes (latin1), and whether the connection ends after them. */
function bytesOf({ status, headers, body, way, damages: wounds }: ProviderAnswer, planted: string): { bytes: string; isEnded: boolean } {
  const text = 'text' in body ? render(body.text) : changedJson(BODIES[body.nth], body.json).replaceAll(':planted', planted);
  const sent = way === 'gzip' ? gzipSync(Buffer.from(text, 'latin1')).toString('latin1') : way === 'huge' ? 'x'.repeat(1_100_000) : text;
  const size = sent.length.toString(16);
  const framed: Record<ProviderAnswer['way'], readonly [head: string, body: string]> = {
    length: [`Content-Length: ${sent.length}`, sent],
    close: ['Connection: close', sent],
    chunked: ['Transfer-Encoding: chunked', `${size}\r\n${sent}\r\n0\r\n\r\n`],
    gzip: [`Content-Encoding: gzip\r\nContent-Length: ${sent.length}`, sent],
    'bad chunk': ['Transfer-Encoding: chunked', `${size}zz\r\n${sent}\r\n-1\r\n\r\n`],
    'never ends': ['Transfer-Encoding: chunked', `${size}\r\n${sent}\r\n`],
    cut: [`Content-Length: ${sent.length + 10}`, sent],
    nothing: ['Content-Length: 0', ''],
    huge: [`Content-Length: ${sent.length}`, sent],
    twice: [`Content-Length: ${sent.length}`, `${sent}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}`],
  };
  const [head, tail] = framed[way];
  const bytes = damaged([`HTTP/1.1 ${status}`, ...headers, head, '', tail].join('\r\n'), wounds);
  return { bytes, isEnded: way === 'close' || way === 'cut' };
}

export interface HostileProvider {
  readonly url: string;
  /** How many requests for the instance arrived. */
  asked(instanceId: string): number;
  /** Sets the answer for the instance from now on. */
  answer(instanceId: string, how: ProviderAnswer): void;
  close(): Promise<void>;
}

/** Answers each request for an instance with its set answer. */
export async function openHostileProvider(planted: string): Promise<HostileProvider> {
  const answers = new Map<string, ProviderAnswer>();
  const counts = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the client closed the connection
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      const instanceId = /\/waInstance(\d+)\//.exec(chunk.toString('latin1'))?.[1];
      const how = answers.get(instanceId ?? '');
      if (instanceId === undefined || how === undefined) return; // the rest of a request
      counts.set(instanceId, (counts.get(instanceId) ?? 0) + 1);
      const { bytes, isEnded } = bytesOf(how, planted);
      socket.write(Buffer.from(bytes, 'latin1'));
      if (isEnded) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    asked: (instanceId) => counts.get(instanceId) ?? 0,
    answer: (instanceId, how) => void answers.set(instanceId, how),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const OUTCOMES: ReadonlySet<string> = new Set([
  ...['code', 'authorized', 'notAuthorized', 'passwordWanted', 'suspended', 'trouble', 'refused', 'loggedOut'],
  ...['accepted', 'rejected', 'notExpected', 'settings', 'saved', 'notSaved'],
]);

let instances = 0;

/**
 * Tries the client alone: every answer must become one of the outcomes.
 *
 * @param open opens a client with short limits, or the program under test
 */
export function providerEdge(
  hostile: HostileProvider,
  provider: Pick<Provider, 'poll' | 'sendPassword' | 'getSettings'>,
): Edge<ProviderAnswer> {
  return {
    name: 'provider answers',
    isBeside: true,
    input: providerAnswer,
    async send(how): Promise<Seen> {
      const instanceId = String(7_100_000_000 + ++instances);
      hostile.answer(instanceId, how);
      const credentials = { apiUrl: hostile.url, instanceId, apiToken: 'token-of-the-fuzz' };
      const calls = [
        ...(['qr', 'state', 'account', 'logout'] as const).map((method) => () => provider.poll(credentials, method)),
        () => provider.sendPassword(credentials, 'password'),
        () => provider.getSettings(credentials),
      ];
      const outcomes = await Promise.all(calls.map((call) => call().catch((error: unknown) => error)));
      const wrong = outcomes.filter((one) => one instanceof Error || !OUTCOMES.has((one as { kind: string }).kind));
      if (wrong.length > 0) throw wrong[0] instanceof ProviderError ? wrong[0] : new Error('no outcome', { cause: wrong[0] });
      return { statuses: [], text: '', isSettled: true };
    },
  };
}

/**
 * Tries the worker through a session whose instance gets these answers. The session is watched
 * until the worker has asked.
 */
export interface PolledSessions {
  /** Resolves to what a viewer of the session got, once `isAsked`. */
  watch(instanceId: string, apiUrl: string, isAsked: () => boolean): Promise<string>;
}

export function polledEdge(hostile: HostileProvider, sessions: PolledSessions): Edge<ProviderAnswer> {
  return {
    name: 'provider answers to a worker',
    input: providerAnswer,
    async send(how) {
      const instanceId = String(7_200_000_000 + ++instances);
      hostile.answer(instanceId, how);
      const text = await sessions.watch(instanceId, hostile.url, () => hostile.asked(instanceId) > 0);
      return { statuses: [], text, isSettled: true };
    },
  };
}
