import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { PollMethod } from '@qrcast/core/outcome';
import { afterEach, expect, test } from 'vitest';
import { PNG_BASE64 } from '../test/pictures.ts';
import type { Upstream } from '../test/upstream.ts';
import { closed, openRawUpstream, openUpstream, readBody, replyJson, TOKEN } from '../test/upstream.ts';
import type { Provider, ProviderOptions } from './provider.ts';
import { openProvider } from './provider.ts';

interface Rig {
  readonly upstream: Upstream;
  readonly provider: Provider;
}

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource.close();
});

test('each method is one GET of its own path', async () => {
  const seen: (string | undefined)[][] = [];
  const { upstream, provider } = await open((request, response) => {
    seen.push([request.method, request.url, request.headers.accept, request.headers['user-agent']]);
    replyJson(response, { type: 'qrCode', message: PNG_BASE64, stateInstance: 'authorized', phone: '79990000000', isLogout: true });
  });
  const outcomes = [];
  for (const method of ['qr', 'state', 'account', 'logout'] satisfies PollMethod[]) {
    outcomes.push(await provider.poll(upstream.credentials, method));
  }
  expect(outcomes).toEqual([
    { kind: 'code', image: `data:image/png;base64,${PNG_BASE64}`, text: null, digest: expect.stringMatching(/^[\w-]{16}$/) },
    { kind: 'authorized', account: null },
    { kind: 'authorized', account: { wid: null, phone: '79990000000' } },
    { kind: 'loggedOut' },
  ]);
  expect(seen).toEqual(
    ['qr', 'getStateInstance', 'getAccountSettings', 'logout'].map((name) => [
      'GET',
      `/waInstance1101000001/${name}/${TOKEN}`,
      'application/json',
      'qrcast-test',
    ]),
  );
});

test('a password is one POST with the password in its body only', async () => {
  const seen: unknown[] = [];
  const { upstream, provider } = await open(async (request, response) => {
    seen.push(request.method, request.url, request.headers['content-type'], JSON.parse(await readBody(request)));
    replyJson(response, { status: true, data: { status: 'fail', reason: 'invalid_password' } });
  });
  const password = 'пароль "с" \\кавычками\\ 🔑';
  expect(await provider.sendPassword(upstream.credentials, password)).toEqual({ kind: 'rejected', code: 'password_rejected' });
  expect(seen).toEqual(['POST', `/waInstance1101000001/sendAuthorizationPassword/${TOKEN}`, 'application/json', { password }]);
});

test('the next poll goes over the same connection', async () => {
  const { upstream, provider } = await open((_request, response) => replyJson(response, { stateInstance: 'notAuthorized' }));
  for (let poll = 0; poll < 3; poll += 1) {
    expect(await provider.poll(upstream.credentials, 'state')).toEqual({ kind: 'notAuthorized' });
    await connectionFreed();
  }
  await provider.sendPassword(upstream.credentials, 'word');
  expect(upstream.sockets).toHaveLength(1);
});

test('a slow answer delays no other call', async () => {
  const held = Promise.withResolvers<ServerResponse>();
  const { upstream, provider } = await open((request, response) => {
    if (request.url?.includes('/qr/')) held.resolve(response);
    else replyJson(response, { stateInstance: 'starting' });
  });
  const slow = provider.poll(upstream.credentials, 'qr');
  const response = await held.promise;
  expect(await provider.poll(upstream.credentials, 'state')).toEqual({ kind: 'trouble', code: 'instance_starting' });
  replyJson(response, { type: 'already_registered' });
  expect(await slow).toEqual({ kind: 'authorized', account: null });
});

test('an informational answer is not the answer', async () => {
  const { upstream, provider } = await open((_request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    replyJson(response, { stateInstance: 'notAuthorized' });
  });
  expect(await provider.poll(upstream.credentials, 'state')).toEqual({ kind: 'notAuthorized' });
});

test('an abort ends the request and throws the reason', async () => {
  const arrived = Promise.withResolvers<IncomingMessage>();
  const { upstream, provider } = await open((request) => arrived.resolve(request));
  const controller = new AbortController();
  const polled = provider.poll(upstream.credentials, 'qr', controller.signal);
  const request = await arrived.promise;
  const dropped = closed(request.socket);
  const reason = new Error('nobody watches any more');
  controller.abort(reason);
  await expect(polled).rejects.toBe(reason);
  await dropped;
});

test('an abort before the call sends nothing', async () => {
  const { upstream, provider } = await open((_request, response) => replyJson(response, null));
  const reason = new Error('too late');
  await expect(provider.poll(upstream.credentials, 'qr', AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(upstream.sockets).toHaveLength(0);
});

test('an abort while waiting for a connection takes effect at once, and the request is never sent', async () => {
  const urls: (string | undefined)[] = [];
  const held = Promise.withResolvers<ServerResponse>();
  const { upstream, provider } = await open(
    (request, response) => {
      urls.push(request.url?.split('/')[2]);
      if (request.url?.includes('/qr/')) held.resolve(response);
      else replyJson(response, null);
    },
    { connections: 1 },
  );
  const first = provider.poll(upstream.credentials, 'qr');
  const response = await held.promise;
  const controller = new AbortController();
  const queued = provider.poll(upstream.credentials, 'logout', controller.signal);
  controller.abort();
  await expect(queued).rejects.toBe(controller.signal.reason);
  replyJson(response, { type: 'already_registered' });
  await first;
  await provider.poll(upstream.credentials, 'state');
  expect(urls).toEqual(['qr', 'getStateInstance']);
});

test('a finished call leaves no listener on the signal', async () => {
  const { upstream, provider } = await open((_request, response) => replyJson(response, null));
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...args);
  };
  const polled = [provider.poll(upstream.credentials, 'state', signal), provider.poll(upstream.credentials, 'qr', signal)];
  expect(listeners).toBe(polled.length);
  await Promise.all(polled);
  expect(listeners).toBe(0);
});

test('one signal aborts every call it was given to', async () => {
  const { upstream, provider } = await open(() => undefined);
  const controller = new AbortController();
  const { signal } = controller;
  const other = new AbortController();
  const polled = [provider.poll(upstream.credentials, 'qr', signal), provider.sendPassword(upstream.credentials, 'word', signal)];
  const untouched = provider.poll(upstream.credentials, 'qr', other.signal);
  controller.abort();
  expect(await Promise.allSettled(polled)).toEqual([
    { status: 'rejected', reason: signal.reason },
    { status: 'rejected', reason: signal.reason },
  ]);
  other.abort('too');
  await expect(untouched).rejects.toBe('too');
});

test('close ends every connection, idle and busy, and is final', async () => {
  const arrived = Promise.withResolvers<void>();
  const { upstream, provider } = await open((request, response) => {
    if (request.url?.includes('/qr/')) arrived.resolve();
    else replyJson(response, null);
  });
  const busy = provider.poll(upstream.credentials, 'qr');
  const failed = expect(busy).rejects.toMatchObject({ name: 'ProviderError', code: 'provider_closed' });
  await arrived.promise;
  await provider.poll(upstream.credentials, 'state');
  const ended = upstream.sockets.map(closed);
  expect(ended).toHaveLength(2);
  await Promise.all([provider.close(), provider.close(), failed, ...ended]);
  await expect(provider.poll(upstream.credentials, 'state')).rejects.toMatchObject({ code: 'provider_closed' });
  expect(upstream.sockets).toHaveLength(2);
});

test('close ends a connection that is still being opened', async () => {
  const hello = Promise.withResolvers<void>();
  const upstream = await openRawUpstream(() => hello.resolve());
  const provider = openProvider();
  opened.push(upstream, provider);
  const apiUrl = upstream.credentials.apiUrl.replace('http:', 'https:');
  const polled = provider.poll({ ...upstream.credentials, apiUrl }, 'qr');
  const failed = expect(polled).rejects.toMatchObject({ code: 'provider_closed' });
  await hello.promise;
  const ended = upstream.sockets.map(closed);
  await Promise.all([provider.close(), failed, ...ended]);
  expect(ended).toHaveLength(1);
});

test.each([
  { instanceId: '../1101' },
  { instanceId: '110' },
  { apiToken: '../../partner/getInstances' },
  { apiToken: `${TOKEN}?x=1` },
  { apiToken: `${TOKEN}\r\nhost: evil` },
  { apiToken: '' },
  { apiUrl: `nonsense/${TOKEN}` },
  { apiUrl: `http://127.0.0.1:1/${TOKEN}` },
  { apiUrl: '' },
])('impossible credentials are our fault and are not quoted: %j', async (part) => {
  const { upstream, provider } = await open((_request, response) => replyJson(response, null));
  const credentials = { ...upstream.credentials, ...part };
  for (const call of [provider.poll(credentials, 'qr'), provider.sendPassword(credentials, 'hunter2-secret')]) {
    const error: unknown = await call.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'ProviderError', code: 'credentials_invalid' });
    expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/tokentoken|hunter2|getInstances|evil|nonsense/);
  }
  expect(upstream.sockets).toHaveLength(0);
});

/** The pool reuses a connection one turn of the event loop after its answer. */
function connectionFreed(): Promise<void> {
  return setImmediate();
}

async function open(answer: (request: IncomingMessage, response: ServerResponse) => unknown, options: ProviderOptions = {}): Promise<Rig> {
  const upstream = await openUpstream(answer);
  const provider = openProvider({ userAgent: 'qrcast-test', ...options });
  opened.push(upstream, provider);
  return { upstream, provider };
}
