import { expect, test } from 'vitest';
import { callbackOf, relayPayload } from './callback.ts';
import { isAllowedCallbackUrl, namedHosts } from './callback-address.ts';
import { CALLBACK_DELAYS_MS, callbackDelay, MAX_RETRY_AFTER_MS } from './callback-schedule.ts';
import { createSession, type Session, type State } from './session.ts';

const AT = 1_790_000_000_000;
const ACCOUNT = { wid: '79990000001@c.us', phone: '79990000001' };

function sessionIn(state: State, version = 7): Session {
  const fields = {
    id: 'ses_abc',
    tenantId: 'acme',
    instanceId: '1101000001',
    instanceKey: 'key-of-it',
    reference: 'order-77',
    expectedPhone: '79990000001',
    locale: null,
    returnUrl: null,
    logoutOnMismatch: false,
    relink: false,
    expiresAt: AT + 3_600_000,
  };
  return { ...createSession(fields, 180_000, AT), version, state };
}

const WAITING: State = { kind: 'waiting', notice: null };
const PASSWORD: State = { kind: 'password', notice: null };
const CONNECTED: State = { kind: 'connected', account: ACCOUNT };
const DEADLINE: State = { kind: 'ended', reason: 'deadline' };

test.each([
  [WAITING, CONNECTED, 'session.connected'],
  [DEADLINE, CONNECTED, 'session.connected'],
  [WAITING, DEADLINE, 'session.ended'],
  [DEADLINE, { kind: 'ended', reason: 'cancelled' } as const, 'session.ended'],
  [WAITING, PASSWORD, 'session.password_required'],
  [PASSWORD, { ...PASSWORD, notice: { code: 'password_rejected', retryAt: AT } } as const, undefined],
  [DEADLINE, WAITING, undefined],
  [DEADLINE, DEADLINE, undefined],
  [WAITING, WAITING, undefined],
])('%o to %o tells %s', (before, after, type) => {
  expect(callbackOf(sessionIn(before), sessionIn(after, 8), AT)?.type).toBe(type);
});

test('it carries the session as it was, and nothing that is not for the tenant', () => {
  const callback = callbackOf(sessionIn(WAITING), sessionIn(CONNECTED, 8), AT);
  const { type, timestamp, data } = JSON.parse(callback?.payload ?? '');
  expect([type, timestamp]).toEqual(['session.connected', new Date(AT).toISOString()]);
  expect(data.session).toMatchObject({ id: 'ses_abc', reference: 'order-77', version: 8, state: 'connected', account: ACCOUNT });
  for (const name of ['code', 'viewers', 'serverNow', 'instanceKey', 'tenantId', 'expectedPhone'])
    expect(data.session).not.toHaveProperty(name);
});

test('each event of a session has an id of its own, which never changes', () => {
  const ids = [8, 9, 9].map((version) => callbackOf(sessionIn(WAITING), sessionIn(CONNECTED, version), AT)?.id);
  expect(new Set(ids).size).toBe(2);
  expect(ids[1]).toBe(ids[2]);
  expect(ids[0]).toMatch(/^evt_[A-Za-z0-9_-]+$/); // a dot or colon would break the signed text or the job's id
});

test("a relayed body is the provider's own, byte for byte", () => {
  const body = '{"idInstance":1101000001, "n":1.0,"big":12345678901234567890}';
  expect(relayPayload(body, AT)).toContain(`"data":${body}}`);
  expect(JSON.parse(relayPayload(body, AT)).type).toBe('provider.notification');
});

test('delays grow, keep to Retry-After up to a bound, and never come early', () => {
  expect([1, 2, 7, 99].map((failures) => callbackDelay(CALLBACK_DELAYS_MS, failures, 0))).toEqual([5_000, 30_000, 10_800_000, 10_800_000]);
  expect(callbackDelay(CALLBACK_DELAYS_MS, 1, 0.999)).toBeLessThan(6_000);
  expect(callbackDelay(CALLBACK_DELAYS_MS, 1, 0, 60_000)).toBe(60_000);
  expect(callbackDelay(CALLBACK_DELAYS_MS, 1, 0, 1e12)).toBe(MAX_RETRY_AFTER_MS);
});

test.each(['https://hooks.example.com/qrcast?x=1', 'https://hooks.example.com:8443/', 'https://xn--e1afmkfd.xn--p1ai/hook'])(
  '%s may be called',
  (url) => {
    expect(isAllowedCallbackUrl(url, ['*'])).toBe(true);
    expect(isAllowedCallbackUrl(url, [])).toBe(false);
    expect(isAllowedCallbackUrl(url, ['other.example.com'])).toBe(false);
  },
);

test.each([
  'http://hooks.example.com/',
  'https://localhost/',
  'https://localhost./',
  'https://a.localhost/',
  'https://redis/',
  'https://metadata.google.internal/',
  'https://127.0.0.1/',
  'https://0x7f.1/',
  'https://2130706433/',
  'https://169.254.169.254/latest',
  'https://8.8.8.8/',
  'https://[::1]/',
  'https://[::ffff:10.0.0.1]/',
  'https://127。0。0。1/',
  'https://user:pass@hooks.example.com/',
  'ftp://hooks.example.com/',
  'https://hooks.example.com:25/',
  'https://hooks.example.com:53/',
  'not a url',
])('%s may not', (url) => {
  expect(isAllowedCallbackUrl(url, ['*'])).toBe(false);
});

test('an address that the operator names may be called, and no other', () => {
  const hosts = ['http://127.0.0.1:4000', 'hooks.internal', '*.example.com'];
  expect(isAllowedCallbackUrl('http://127.0.0.1:4000/any/path', hosts)).toBe(true);
  expect(isAllowedCallbackUrl('https://hooks.internal/x', hosts)).toBe(true);
  expect(isAllowedCallbackUrl('https://a.example.com/x', hosts)).toBe(true);
  expect(isAllowedCallbackUrl('http://127.0.0.1:4001/', hosts)).toBe(false);
  expect(isAllowedCallbackUrl('https://elsewhere.org/', hosts)).toBe(false);
  expect(namedHosts(hosts)).toEqual(['127.0.0.1', 'hooks.internal']);
});
