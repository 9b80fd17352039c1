import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { call, methodUrl, simulatorForTest } from '../test/fixtures.ts';
import type { FailOptions } from './fault-script.ts';
import type { FaultName } from './faults.ts';
import { FAULT_NAMES, FAULTS } from './faults.ts';
import type { Instance } from './instance.ts';

/**
 * Everything that a raw client reads until the connection ends or `enough` bytes came.
 */
async function readRaw(url: string, enough = Infinity): Promise<string> {
  const { hostname, port, pathname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n\r\n`);
  let seen = '';
  socket.on('data', (chunk: Buffer) => {
    seen += chunk.toString('latin1');
    if (seen.length >= enough) socket.destroy();
  });
  // A broken connection may end with a reset. For the reader that is an end like any other.
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return seen;
}

interface Trial {
  readonly instance: Instance;
  readonly url: string;
}

async function failing(fault: FaultName, options: FailOptions = {}): Promise<Trial> {
  const simulator = await simulatorForTest();
  const instance = simulator.createInstance();
  instance.fail('qr', fault, options);
  return { instance, url: methodUrl(simulator, instance, 'qr') };
}

const typed = (type: string, message: string): string => JSON.stringify({ type, message });
const password = (reason: string): string => JSON.stringify({ status: true, data: { status: 'fail', reason } });

/** The status and body that a client gets, for all faults that are an ordinary HTTP answer. */
const ANSWERED: Readonly<Partial<Record<FaultName, readonly [number, string | RegExp]>>> = {
  html403: [403, /403 Forbidden/],
  html404: [404, /404 Not Found/],
  html502: [502, /502 Bad Gateway/],
  html504: [504, /504 Gateway Time-out/],
  empty401: [401, ''],
  empty408: [408, ''],
  status429: [429, 'Too Many Requests'],
  status500: [500, /Internal Server Error/],
  starting400: [400, /instance in starting process try later/],
  notAuthorized400: [400, /instance is starting or not authorized/],
  deleted400: [400, /Instance is deleted/],
  expired400: [400, /Instance account is expired\. Renew your instance from personal area/],
  code401in200: [200, '{"code":401,"description":"Unauthorized"}'],
  statusFalse200: [200, '{"status":false,"reason":"instance is starting or not authorized"}'],
  notJson: [200, 'upstream connect error'],
  redirect: [302, ''],
  errorTimeout: [200, typed('error', 'timeout')],
  errorNotReady: [200, typed('error', 'not_ready')],
  errorConnectionClosed: [200, typed('error', 'connection_closed')],
  errorHasAuth: [200, /You need to make log out/],
  alreadyLogged: [200, typed('alreadyLogged', 'instance account already authorized')],
  alreadyRegistered: [200, typed('already_registered', 'instance account already authorized')],
  pendingPassword: [200, typed('pendingPassword', '2FA password required')],
  pending_password: [200, /"pending_password"/],
  passkeyRequired: [200, /"passkeyRequired"/],
  unknownType: [200, typed('carrierPigeon', 'coo')],
  emptyMessage: [200, typed('qrCode', '')],
  brokenBase64: [200, /"qrCode","message":"@@/],
  notPng: [200, /"qrCode","message":"R0lGODlh/],
  unknownState: [200, '{"stateInstance":"hibernating"}'],
  nullState: [200, 'null'],
  savedNothing: [200, '{"saveSettings":true}'],
  saveRefused: [200, '{"saveSettings":false}'],
  passwordInvalid: [200, password('invalid_password')],
  passwordRateLimited: [200, password('rate_limit_exceeded')],
  passwordAlreadyRegistered: [200, password('already_registered')],
  passwordNotStarted: [200, password('authorization_not_started')],
  passwordTimeout: [200, password('timeout')],
  passwordAttemptsExceeded: [200, password('attempts_exceeded')],
  passwordTimeExpired: [200, password('time_limit_expired_logout')],
  passwordUnknownReason: [200, password('mercury_in_retrograde')],
  findUnAckedMessage: [500, /findUnAckedMessage/],
};

const CODED: readonly FaultName[] = ['gzip', 'deflate', 'brotli', 'twoCodings', 'unknownCoding', 'bomb', 'byteOrderMark'];
const TESTED_BY_HAND: readonly FaultName[] = ['hang', 'neverEnds', 'cut', 'cutMidBody', 'hugeBody', 'truncatedJson', ...CODED];

test('every fault of the table has a test below', () => {
  expect([...Object.keys(ANSWERED), ...TESTED_BY_HAND].sort()).toEqual([...FAULT_NAMES].sort());
  for (const name of FAULT_NAMES) expect(FAULTS[name].summary).not.toBe('');
});

test('the README lists them all', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  // The formatter aligns the table with spaces.
  const rows = readme.replaceAll(/ +/g, ' ');
  for (const name of FAULT_NAMES) expect(rows).toContain(`| \`${name}\` | ${FAULTS[name].summary} |`);
});

test.each(Object.entries(ANSWERED))('%s', async (name, [status, body]) => {
  const { url } = await failing(name as FaultName);
  const answer = await call(url);
  expect(answer.status).toBe(status);
  if (typeof body === 'string') expect(answer.text).toBe(body);
  else expect(answer.text).toMatch(body);
  expect((await call(url)).text).toContain('"qrCode"');
});

describe('settings of a fault', () => {
  test('status429 has a Retry-After only if one is given', async () => {
    const { instance, url } = await failing('status429');
    expect((await call(url)).headers.get('retry-after')).toBeNull();
    instance.fail('qr', 'status429', { retryAfter: 7 });
    expect((await call(url)).headers.get('retry-after')).toBe('7');
  });

  test('redirect leads to the given address', async () => {
    const { url } = await failing('redirect', { location: 'http://127.0.0.1:9/elsewhere' });
    expect((await call(url)).headers.get('location')).toBe('http://127.0.0.1:9/elsewhere');
  });

  test('times and always control a queue of several faults and its end', async () => {
    const { instance, url } = await failing('html502', { times: 2 });
    instance.fail('qr', 'html504', { times: 'always' });
    const statuses: number[] = [];
    for (let time = 0; time < 4; time++) statuses.push((await call(url)).status);
    expect(statuses).toEqual([502, 502, 504, 504]);
    instance.clearFaults();
    expect((await call(url)).status).toBe(200);
  });

  test("a fault of any method comes after the method's own", async () => {
    const { instance, url } = await failing('html502');
    instance.fail('*', 'html504', { times: 2 });
    const statuses = [(await call(url)).status, (await call(url)).status, (await call(url.replace('/qr/', '/getStateInstance/'))).status];
    expect(statuses).toEqual([502, 504, 504]);
  });

  test('an unknown fault is refused with the known names', async () => {
    const { instance } = await failing('cut');
    // Like an untyped caller.
    expect(() => instance.fail('qr', 'cut', { times: 0 })).toThrow(expect.objectContaining({ code: 'invalid_option' }));
    expect(() => instance.fail('qr', 'earthquake' as FaultName)).toThrow(/no fault "earthquake"; there are html403/);
  });
});

describe('faults of the connection', () => {
  test('hang answers late, with the code that was current when it began', async () => {
    const simulator = await simulatorForTest({ startingMs: 10 });
    const instance = simulator.createInstance();
    instance.fail('qr', 'hang', { ms: 1_500 }); // enough time for the steps below
    const answered = call(methodUrl(simulator, instance, 'qr'));
    const [record] = await instance.untilRequests(1, 'qr');
    expect(record?.endedAt).toBeNull();
    instance.setState('authorized');
    expect((await answered).text).toContain('"qrCode"');
    const { startedAt = NaN, endedAt } = instance.requests[0] ?? {};
    expect((endedAt ?? NaN) - startedAt).toBeGreaterThanOrEqual(1_495);
  });

  test('neverEnds continues until the client leaves', async () => {
    const { instance, url } = await failing('neverEnds', { ms: 1 });
    const seen = await readRaw(url, 400);
    expect(seen).toContain('200 OK');
    expect(seen).not.toContain('"}');
    expect(instance.requests).toHaveLength(1);
  });

  test('cut ends the connection without a byte', async () => {
    const { instance, url } = await failing('cut');
    expect(await readRaw(url)).toBe('');
    expect(instance.requests).toMatchObject([{ status: null, endedAt: expect.any(Number) }]);
  });

  test('cutMidBody promises more than it sends', async () => {
    const { url } = await failing('cutMidBody');
    const [head = '', body = ''] = (await readRaw(url)).split('\r\n\r\n');
    const promised = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    expect(body.length).toBe(Math.floor(promised / 2));
  });

  test('truncatedJson is complete HTTP and half JSON', async () => {
    const { url } = await failing('truncatedJson');
    const { status, text } = await call(url);
    expect([status, text.startsWith('{"type":"qrCode"')]).toEqual([200, true]);
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
  });

  test('hugeBody is 10 MB of valid JSON', async () => {
    const { url } = await failing('hugeBody');
    const { text } = await call(url);
    expect(text.length).toBe(10 * 1024 * 1024);
    expect(JSON.parse(text)).toMatchObject({ type: 'qrCode' });
  });

  test('closing the simulator ends a hanging answer', async () => {
    const simulator = await simulatorForTest();
    const instance = simulator.createInstance();
    instance.fail('qr', 'hang');
    const answered = call(methodUrl(simulator, instance, 'qr'));
    await instance.untilRequests(1);
    await Promise.all([simulator.close(), expect(answered).rejects.toThrow()]);
    expect(instance.requests[0]?.status).toBeNull();
  });
});

test.each([
  ['gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['brotli', 'br'],
  ['twoCodings', 'gzip, br'],
] as const)('%s is the ordinary answer in %s, which a stock client reads', async (fault, coding) => {
  const { url } = await failing(fault);
  const response = await fetch(url);
  expect(response.headers.get('content-encoding')).toBe(coding);
  expect(await response.json()).toMatchObject({ type: 'qrCode' });
});

test('an unrequested coding, a decompression bomb and a byte-order mark do what their names say', async () => {
  expect(await readRaw((await failing('unknownCoding')).url)).toMatch(/content-encoding: compress/i);
  const bomb = await readRaw((await failing('bomb')).url);
  expect(bomb.length).toBeLessThan(20_000);
  expect(bomb).toMatch(/content-encoding: gzip/i);
  expect(await readRaw((await failing('byteOrderMark')).url)).toContain('\xef\xbb\xbf{"type":"qrCode"');
});
