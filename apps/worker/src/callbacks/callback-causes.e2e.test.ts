/** The causes that a tenant sees for failed callbacks, shown with real faulty servers. */

import { createSocket } from 'node:dgram';
import type { LookupAddress } from 'node:dns';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type LookupFunction } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { attemptSchema } from '@qrcast/core/callback';
import { type HttpProxy, parseHttpProxy } from '@qrcast/core/http-proxy';
import { openConnectProxy } from '@qrcast/provider/test/connect-proxy';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newCallbackSecret } from '../../test/callbacks.ts';
import { openTestAuthority, type TestAuthority } from '../../test/tls-receiver.ts';
import { openCallbackPost, type PostReply } from './callback-post.ts';

const NAME = 'hooks.example.com';
/** Fatal alerts (RFC 8446, 6). */
const PROTOCOL_VERSION = Buffer.from([21, 3, 3, 0, 2, 2, 70]);
const NO_APPLICATION_PROTOCOL = Buffer.from([21, 3, 3, 0, 2, 2, 120]);

let authority: TestAuthority;
const trusted = getCACertificates('default');
const open: (() => unknown)[] = [];
beforeAll(() => {
  authority = openTestAuthority();
  setDefaultCACertificates([...trusted, authority.certificate]);
});
afterAll(async () => {
  setDefaultCACertificates(trusted);
  await authority.close();
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const toLoopback: LookupFunction = (_hostname, _options, callback) =>
  (callback as (error: null, found: LookupAddress[]) => void)(null, [{ address: '127.0.0.1', family: 4 }]); // the caller asks for all addresses

interface Way {
  readonly lookup?: LookupFunction;
  readonly scheme?: 'http' | 'https';
  readonly proxy?: HttpProxy;
}

async function send(port: number, { lookup = toLoopback, scheme = 'https', proxy }: Way = {}): Promise<PostReply> {
  const origin = scheme === 'http' ? `http://127.0.0.1:${port}` : `https://${NAME}:${port}`;
  const post = openCallbackPost({ callbackHosts: [scheme === 'http' ? origin : `${NAME}:${port}`], lookup, proxy });
  open.push(() => post.close());
  return post.send({ url: `${origin}/`, id: 'evt_1', payload: '{}', secrets: [newCallbackSecret()] }, Date.now());
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port; // it listens on TCP
}

describe('a server whose TLS', () => {
  it('is valid gets the callback', async () => {
    const { port, answered } = await authority.serve({ name: NAME });
    expect(await send(port)).toEqual({ status: 204 });
    expect(answered()).toBe(1);
  });

  it.each([
    ['has expired', { name: NAME, fromDay: -3, toDay: -1 }],
    ['is not valid yet', { name: NAME, fromDay: 1, toDay: 2 }],
    ['is for another name', { name: 'other.example.com' }],
    ['is self-signed', { name: NAME, isSelfSigned: true }],
    ['is for clients alone', { name: NAME, extensions: 'extendedKeyUsage=clientAuth' }],
    ['has an extension that must be understood and is not', { name: NAME, extensions: '1.2.3.4=critical,ASN1:NULL' }],
  ])('%s is unreachable with that cause', async (_name, options) => {
    const { port, answered } = await authority.serve(options);
    const reply = await send(port);
    expect(reply).toEqual({ error: 'unreachable', cause: 'tls' });
    expect(attemptSchema.parse({ at: 1, ms: 1, ...reply })).toMatchObject({ cause: 'tls' });
    expect(answered()).toBe(0);
  });

  it.each(['tls1_2', 'tls1_3'] as const)(
    'wants a certificate of ours is unreachable for that, through a proxy, too (%s)',
    async (version) => {
      const { port } = await authority.serveCertified({ name: NAME, version });
      expect(await send(port)).toEqual({ error: 'unreachable', cause: 'tls' });
      const proxy = await openConnectProxy({ route: () => ({ host: '127.0.0.1', port }) });
      open.push(() => proxy.close());
      expect(await send(port, { proxy: parseHttpProxy(proxy.url) })).toEqual({ error: 'unreachable', cause: 'tls' });
    },
  );

  it('is of an obsolete version, or has no common protocol, is unreachable with that cause', async () => {
    for (const alert of [PROTOCOL_VERSION, NO_APPLICATION_PROTOCOL]) {
      const port = await listen(createServer((socket) => void socket.once('data', () => socket.end(alert))));
      expect(await send(port)).toEqual({ error: 'unreachable', cause: 'tls' });
    }
  });

  it('is missing is unreachable with that cause', async () => {
    const server = createHttpServer((_request, response) => response.end());
    expect(await send(await listen(server))).toEqual({ error: 'unreachable', cause: 'tls' });
  });
});

describe('a server that', () => {
  it('does not listen refuses the connection', async () => {
    const server = createServer();
    const port = await listen(server);
    await open.pop()?.();
    expect(await send(port)).toEqual({ error: 'unreachable', cause: 'refused' });
  });

  it('hangs up closes the connection', async () => {
    const port = await listen(createServer((socket) => void socket.once('data', () => socket.destroy())));
    expect(await send(port, { scheme: 'http' })).toEqual({ error: 'unreachable', cause: 'reset' });
  });

  it('does not speak HTTP is reported so', async () => {
    const port = await listen(createServer((socket) => void socket.once('data', () => socket.end('SSH-2.0-x\r\n\r\n'))));
    expect(await send(port, { scheme: 'http' })).toEqual({ error: 'unreachable', cause: 'protocol' });
  });

  it.each(['101 Switching Protocols', '100 Continue'])('answers %s without being asked is reported so', async (status) => {
    const answer = `HTTP/1.1 ${status}\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n`;
    const port = await listen(createServer((socket) => void socket.once('data', () => socket.write(answer))));
    expect(await send(port, { scheme: 'http' })).toEqual({ error: 'unreachable', cause: 'protocol' });
  });

  it.each(['SERVFAIL', 'NXDOMAIN', 'REFUSED', 'no address'])('has a name answered with %s fails with the cause DNS', async (answer) => {
    const rcode = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 }[answer] ?? 0;
    const server = createSocket('udp4', (question, { port, address }) => {
      question.writeUInt16BE(0x8180 | rcode, 2);
      server.send(question, port, address);
    });
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    open.push(() => server.close());
    const post = openCallbackPost({ callbackHosts: ['*'], nameServers: [`127.0.0.1:${server.address().port}`] });
    open.push(() => post.close());
    const message = { url: `https://${NAME}/`, id: 'evt_1', payload: '{}', secrets: [newCallbackSecret()] };
    expect(await post.send(message, Date.now())).toEqual({ error: 'unreachable', cause: 'dns' });
  });

  it('has an unknown name fails with the cause DNS', async () => {
    const lookup: LookupFunction = (_hostname, _options, callback) =>
      callback(Object.assign(new Error('x'), { code: 'ENOTFOUND', syscall: 'queryA' }), '');
    expect(await send(443, { lookup })).toEqual({ error: 'unreachable', cause: 'dns' });
  });
});

it('a cause of a newer version can be read from a record', () => {
  expect(attemptSchema.parse({ at: 1, ms: 1, error: 'unreachable', cause: 'something_new' })).toMatchObject({ cause: 'something_new' });
});
