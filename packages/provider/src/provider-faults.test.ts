import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import type { Outcome, PasswordOutcome, TroubleCode } from '@qrcast/core/outcome';
import { afterEach, expect, test } from 'vitest';
import type { Upstream } from '../test/upstream.ts';
import { closed, openRawUpstream, openUpstream, replyJson, TOKEN } from '../test/upstream.ts';
import type { Provider, ProviderOptions } from './provider.ts';
import { openProvider } from './provider.ts';

const PASSWORD = 'hunter2-secret';
const SECRETS = [TOKEN, PASSWORD, '/waInstance', '1101000001'];
const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource.close();
});

test('no answer within the limit is a time-out, and the connection is dropped', async () => {
  const dropped = Promise.withResolvers<void>();
  const rig = await openRaw((socket) => dropped.resolve(closed(socket)), { qrTimeoutMs: 1_500, requestTimeoutMs: 5_000 }); // enough time to connect
  expect(await ask(rig, 'qr')).toEqual(silence('provider_timeout'));
  await dropped.promise;
});

test('the other methods have a limit of their own', async () => {
  const rig = await openRaw(() => undefined, { qrTimeoutMs: 5_000, requestTimeoutMs: 30 });
  expect(await ask(rig, 'state')).toEqual(silence('provider_timeout'));
  expect(await ask(rig, 'password')).toEqual(trouble('provider_timeout'));
});

test('the limit counts from the call, not from the free connection', async () => {
  const rig = await openRaw(() => undefined, { qrTimeoutMs: 5_000, requestTimeoutMs: 30, connections: 1 });
  const ended = new AbortController();
  const first = rig.provider.poll(rig.upstream.credentials, 'qr', ended.signal);
  expect(await ask(rig, 'state')).toEqual(silence('provider_timeout'));
  ended.abort();
  await expect(first).rejects.toBe(ended.signal.reason);
});

test('a body that never ends is a time-out, and the connection is dropped', async () => {
  const dropped = Promise.withResolvers<void>();
  const rig = await openRaw(
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const drip = setInterval(() => socket.write('1\r\n \r\n'), 5);
      dropped.resolve(closed(socket).finally(() => clearInterval(drip)));
    },
    { bodyTimeoutMs: 40 },
  );
  expect(await ask(rig, 'qr')).toEqual(silence('provider_timeout'));
  await dropped.promise;
});

test('the limit of the body does not extend the total limit', async () => {
  const rig = await openRaw((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{'), { qrTimeoutMs: 40 });
  expect(await ask(rig, 'qr')).toEqual(silence('provider_timeout'));
});

test('a body of ten megabytes is cut off early', async () => {
  const size = 10_000_000;
  const sent = Promise.withResolvers<number>();
  const rig = await openRaw(
    (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      socket.once('close', () => sent.resolve(socket.bytesWritten - socket.writableLength));
      pour(socket, size);
    },
    { maxBodyBytes: 20_000 },
  );
  expect(await ask(rig, 'qr')).toEqual(trouble('provider_error'));
  // The kernels' buffers took this much. The client itself does not read beyond its limit.
  expect(await sent.promise).toBeLessThan(size / 2);
});

test('an endless chunked body is cut off as well', async () => {
  const rig = await openRaw(
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      pour(socket, Number.POSITIVE_INFINITY, `${(1_000).toString(16)}\r\n${'x'.repeat(1_000)}\r\n`);
    },
    { maxBodyBytes: 20_000 },
  );
  expect(await ask(rig, 'qr')).toEqual(trouble('provider_error'));
});

test('a body of exactly the limit is read', async () => {
  const body = JSON.stringify({ stateInstance: 'notAuthorized' });
  const upstream = await openUpstream((_request, response) => response.end(body));
  const rig = { upstream, provider: openProvider({ maxBodyBytes: body.length }) };
  opened.push(upstream, rig.provider);
  expect(await ask(rig, 'state')).toEqual({ kind: 'notAuthorized' });
});

test('endless headers are cut off', async () => {
  const rig = await openRaw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    pour(socket, Number.POSITIVE_INFINITY, `x: ${'y'.repeat(1_000)}\r\n`);
  });
  expect(await ask(rig, 'qr')).toEqual(trouble('provider_error'));
});

test.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async (status) => {
  const target = await openUpstream((_request, response) => replyJson(response, { type: 'already_registered' }));
  const upstream = await openUpstream((request, response) => {
    response.writeHead(status, { location: `${target.credentials.apiUrl}${request.url}` }).end();
  });
  const rig = { upstream, provider: openProvider() };
  opened.push(target, upstream, rig.provider);
  expect(await ask(rig, 'qr')).toEqual(trouble('provider_error'));
  expect(await ask(rig, 'password')).toEqual(trouble('provider_error'));
  expect(target.sockets).toHaveLength(0);
});

test.each<readonly [what: string, bytes: string, code: TroubleCode]>([
  ['nothing', '', 'provider_unreachable'],
  ['half a head', 'HTTP/1.1 200 OK\r\ncontent-', 'provider_unreachable'],
  ['half a body', 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"type":"already_registered"}', 'provider_unreachable'],
  ['half a last body', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 99\r\n\r\n{}', 'provider_unreachable'],
  ['half a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{"type":', 'provider_unreachable'],
  ['half a last chunk', 'HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{"ty', 'provider_unreachable'],
  ['no last chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n', 'provider_unreachable'],
  ['something else than HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'provider_error'],
  ['a chunk that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nmany\r\n', 'provider_error'],
  ['a head that makes no sense', 'HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n', 'provider_error'],
])('a connection that ends after %s', async (_what, bytes, code) => {
  const rig = await openRaw((socket) => socket.end(bytes));
  expect(await ask(rig, 'qr')).toEqual(code === 'provider_error' ? trouble(code) : silence(code));
  expect(await ask(rig, 'password')).toEqual(trouble(code));
});

test('a body that ends with its connection is complete', async () => {
  const rig = await openRaw((socket) => socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"type":"already_registered"}'));
  expect(await ask(rig, 'qr')).toEqual({ kind: 'authorized', account: null });
});

test('a reset connection, before and during an answer', async () => {
  const before = await openRaw((socket) => socket.resetAndDestroy());
  expect(await ask(before, 'qr')).toEqual(silence('provider_unreachable'));
  const inside = await openRaw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{', () => socket.resetAndDestroy());
  });
  expect(await ask(inside, 'qr')).toEqual(silence('provider_unreachable'));
});

test('a poll after a cut connection opens another one', async () => {
  let answers = 0;
  const rig = await openRaw((socket) => {
    answers += 1;
    socket.end(answers === 1 ? '' : 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull');
  });
  expect(await ask(rig, 'state')).toEqual(silence('provider_unreachable'));
  expect(await ask(rig, 'state')).toEqual(trouble('instance_starting'));
});

test('a refused connection, an unknown host and a failed TLS handshake are unreachable', async () => {
  const rig = await openRaw((socket) => socket.end('no TLS here'));
  const { credentials } = rig.upstream;
  const port = new URL(credentials.apiUrl).port;
  expect(await ask(rig, 'qr', `https://127.0.0.1:${port}`)).toEqual(silence('provider_unreachable'));
  expect(await ask(rig, 'qr', 'https://nothing.invalid')).toEqual(silence('provider_unreachable'));
  await rig.upstream.close();
  opened.splice(opened.indexOf(rig.upstream), 1);
  expect(await ask(rig, 'qr')).toEqual(silence('provider_unreachable'));
});

interface Rig {
  readonly upstream: Upstream;
  readonly provider: Provider;
}

async function openRaw(onRequest: (socket: Socket) => void, options: ProviderOptions = {}): Promise<Rig> {
  const upstream = await openRawUpstream(onRequest);
  const provider = openProvider(options);
  opened.push(upstream, provider);
  return { upstream, provider };
}

/** Makes a poll, and looks for secrets in its outcome. */
async function ask(rig: Rig, what: 'qr' | 'state' | 'password', apiUrl?: string): Promise<Outcome | PasswordOutcome> {
  const credentials = apiUrl === undefined ? rig.upstream.credentials : { ...rig.upstream.credentials, apiUrl };
  const outcome = await (what === 'password' ? rig.provider.sendPassword(credentials, PASSWORD) : rig.provider.poll(credentials, what));
  const text = inspect(outcome, { depth: null, showHidden: true }) + JSON.stringify(outcome);
  for (const secret of SECRETS) expect(text).not.toContain(secret);
  return outcome;
}

/**
 * Writes as fast as the other side reads, until `size` bytes are written or the connection ends.
 */
function pour(socket: Socket, size: number, piece = 'x'.repeat(16_384)): void {
  const more = (): void => {
    while (!socket.destroyed && socket.bytesWritten < size) {
      if (!socket.write(piece)) return;
    }
  };
  socket.on('drain', more);
  more();
}

function trouble(code: TroubleCode): Outcome & PasswordOutcome {
  return { kind: 'trouble', code };
}

function silence(code: TroubleCode): Outcome {
  return { kind: 'trouble', code, isUnanswered: true };
}
