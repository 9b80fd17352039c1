import { expect, test } from 'vitest';
import { attemptErrorSchema, callbackBodySchema, callbackOf, callbackSchema, listCallbacksSchema, relayPayload } from './callback.ts';
import { DEFAULT_CALLBACK_HOSTS, isAllowedCallbackUrl, namedHosts } from './callback-address.ts';
import { CALLBACK_DELAYS_MS, callbackDelay, GIVE_UP_AFTER_MS, MAX_RETRY_AFTER_MS, RELAY_DELAYS_MS } from './callback-schedule.ts';
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
])('%o to %o tells %s', (before, after, type) => {
  const callback = callbackOf(sessionIn(before), sessionIn(after, 8), AT);
  expect(callback?.type).toBe(type);
  expect(callbackBodySchema.parse(JSON.parse(callback?.payload ?? '')).type).toBe(type);
});

test.each([
  [PASSWORD, { ...PASSWORD, notice: { code: 'password_rejected', retryAt: AT } } as const],
  [DEADLINE, WAITING],
  [DEADLINE, DEADLINE],
  [WAITING, WAITING],
])('%o to %o tells nothing', (before, after) => {
  expect(callbackOf(sessionIn(before), sessionIn(after, 8), AT)).toBeNull();
});

test('a callback contains the session as it was, and nothing that is not for the tenant', () => {
  const callback = callbackOf(sessionIn(WAITING), sessionIn(CONNECTED, 8), AT);
  const { type, timestamp, data } = JSON.parse(callback?.payload ?? '');
  expect([type, timestamp]).toEqual(['session.connected', new Date(AT).toISOString()]);
  expect(data.session).toMatchObject({ id: 'ses_abc', reference: 'order-77', version: 8, state: 'connected', account: ACCOUNT });
  for (const name of ['code', 'viewers', 'serverNow', 'instanceKey', 'tenantId', 'expectedPhone'])
    expect(data.session).not.toHaveProperty(name);
});

test('its record is read back as it was written', () => {
  const callback = callbackOf(sessionIn(WAITING), sessionIn(CONNECTED, 8), AT);
  expect(callback).toMatchObject({ tenantId: 'acme', sessionId: 'ses_abc', createdAt: AT });
  expect(callbackSchema.parse(JSON.parse(JSON.stringify(callback)))).toEqual(callback);
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
  expect(JSON.parse(relayPayload(body, AT))).toMatchObject({ type: 'provider.notification', timestamp: new Date(AT).toISOString() });
});

test('an attempt that got no status has one of the published errors', () => {
  expect(attemptErrorSchema.options).toEqual(['timeout', 'unreachable', 'address_not_allowed', 'not_configured']);
});

test('the list of callbacks has pages of twenty by default, and of a hundred at most', () => {
  expect(listCallbacksSchema.parse({})).toEqual({ limit: 20 });
  for (const query of [{ limit: '1' }, { limit: '100' }, { state: 'failed' }, { cursor: 'c'.repeat(128) }])
    expect(listCallbacksSchema.safeParse(query).success).toBe(true);
  for (const query of [{ limit: '0' }, { limit: '101' }, { limit: '1.5' }, { state: 'lost' }, { cursor: 'c'.repeat(129) }, { page: '2' }])
    expect(listCallbacksSchema.safeParse(query).success).toBe(false);
});

// As PROTOCOL.md publishes them.
test('the delays, in minutes', () => {
  const minutes = (delaysMs: readonly number[]): number[] => delaysMs.map((ms) => ms / 60_000);
  expect(minutes(CALLBACK_DELAYS_MS)).toEqual([5 / 60, 0.5, 2, 10, 30, 60, 180]);
  expect(minutes(RELAY_DELAYS_MS)).toEqual([1 / 60, 5 / 60, 0.5, 1, 5]);
  expect(minutes([MAX_RETRY_AFTER_MS, GIVE_UP_AFTER_MS])).toEqual([180, 1_440]);
});

test('delays grow, respect Retry-After up to a bound, and are never too short', () => {
  expect([1, 2, 7, 99].map((failures) => callbackDelay(CALLBACK_DELAYS_MS, failures, 0))).toEqual([5_000, 30_000, 10_800_000, 10_800_000]);
  expect(callbackDelay(CALLBACK_DELAYS_MS, 1, 0.5)).toBe(5_500); // up to a fifth later
  expect(callbackDelay(CALLBACK_DELAYS_MS, 1, 0, 60_000)).toBe(60_000);
  expect(callbackDelay(CALLBACK_DELAYS_MS, 1, 0.5, 60_000)).toBe(66_000);
  expect(callbackDelay(CALLBACK_DELAYS_MS, 1, 0, 1e12)).toBe(MAX_RETRY_AFTER_MS);
});

test.each([
  'https://hooks.example.com/qrcast?x=1',
  'https://hooks.example.com:8443/',
  'https://hooks.example.com:1024/',
  'https://xn--e1afmkfd.xn--p1ai/hook',
  'https://my_hooks-1.example.com/',
  'https://local.example.com/',
  'https://a.mylocal/',
])('%s may be called', (url) => {
  expect(isAllowedCallbackUrl(url, DEFAULT_CALLBACK_HOSTS)).toBe(true);
  expect(isAllowedCallbackUrl(url, [])).toBe(false);
  expect(isAllowedCallbackUrl(url, ['other.example.com'])).toBe(false);
});

test.each([
  'http://hooks.example.com/',
  'https://localhost/',
  'https://localhost./',
  'https://a.localhost/',
  'https://redis/',
  'https://printer.local/',
  'https://redis.localdomain/',
  'https://home.arpa/',
  'https://nas.home.arpa/',
  'https://a,b.example.com/',
  'https://a.example.com,b/',
  'https://a.1b/',
  'https://metadata.google.internal/',
  'https://127.0.0.1/',
  'https://0x7f.1/',
  'https://2130706433/',
  'https://169.254.169.254/latest',
  'https://8.8.8.8/',
  'https://[::1]/',
  'https://[::ffff:10.0.0.1]/',
  'https://127。0。0。1/',
  'https://user@hooks.example.com/',
  'https://:pass@hooks.example.com/',
  'ftp://hooks.example.com/',
  'https://hooks.example.com:25/',
  'https://hooks.example.com:53/',
  'https://hooks.example.com:1023/',
  'not a url',
])('%s may not', (url) => {
  expect(isAllowedCallbackUrl(url, DEFAULT_CALLBACK_HOSTS)).toBe(false);
});

test('an address that the operator names may be called, and no other', () => {
  const hosts = ['http://127.0.0.1:4000', 'hooks.internal', '*.example.com', 'no rule'];
  expect(isAllowedCallbackUrl('http://127.0.0.1:4000/any/path', hosts)).toBe(true);
  expect(isAllowedCallbackUrl('https://hooks.internal/x', hosts)).toBe(true);
  expect(isAllowedCallbackUrl('https://a.example.com/x', hosts)).toBe(true);
  expect(isAllowedCallbackUrl('http://127.0.0.1:4001/', hosts)).toBe(false);
  expect(isAllowedCallbackUrl('https://elsewhere.org/', hosts)).toBe(false);
  expect(namedHosts(hosts)).toEqual(['127.0.0.1', 'hooks.internal']);
});
