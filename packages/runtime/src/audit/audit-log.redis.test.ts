import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { openTestProxy } from '../../test/proxy.ts';
import { openTestRuntime, sampleSession, type TestRuntime } from '../../test/runtime.ts';
import { createLog } from '../log.ts';
import { auditKey, tenantAuditKey } from '../redis/keys.ts';
import { connectRedis } from '../redis/redis.ts';
import { openRedisSessions } from '../sessions/sessions-redis.ts';
import { type AuditLimits, type NewAuditEntry, openAuditLog } from './audit-log.ts';

let runtime: TestRuntime;
beforeEach(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterEach(() => runtime.close());

const entry = (fields: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
  tenantId: 'acme',
  actor: { kind: 'key', id: 'key_1' },
  action: 'session.created',
  sessionId: 'ses_1',
  instanceId: '1101000001',
  subjectId: null,
  credential: null,
  address: '203.0.113.7',
  userAgent: null,
  outcome: 'ok',
  ...fields,
});
const open = (limits?: AuditLimits, now = Date.now) => openAuditLog({ ...runtime, now, limits });
const keys = () => [auditKey(runtime.namespace), tenantAuditKey(runtime.namespace, 'acme')] as const;

it('returns what was recorded, newest first, of a tenant or of all', async () => {
  const audit = open();
  audit.record(entry());
  audit.record(entry({ tenantId: 'other', action: 'ticket.issued' }));
  audit.record(entry({ tenantId: null, action: 'auth.refused', outcome: 'unauthenticated' }));
  await audit.close();
  const { entries: all } = await audit.read({ tenantId: null, limit: 10 });
  expect(all.map(({ action }) => action)).toEqual(['auth.refused', 'ticket.issued', 'session.created']);
  expect(await audit.read({ tenantId: 'acme', limit: 10 })).toEqual({
    entries: [{ ...entry(), id: expect.stringMatching(/^\d+-\d+$/), at: expect.any(Number) }],
    nextCursor: null,
  });
});

it('is limited by number, for a tenant and to ten times as many for all', async () => {
  const audit = open({ entries: 100, keepMs: 60_000 });
  for (let n = 0; n < 3_000; n++) audit.record(entry());
  await audit.close();
  const [all, own] = await Promise.all(keys().map((key) => runtime.redis.xlen(key)));
  expect(own).toBeLessThan(300); // a stream is trimmed by whole nodes
  expect(all).toBeLessThan(1_300);
  expect(all).toBeGreaterThanOrEqual(1_000);
});

it('is limited by age: nothing older is read, and an idle log expires', async () => {
  const keepMs = 3_600_000;
  const before = open({ entries: 100, keepMs });
  before.record(entry());
  await before.close();
  for (const key of keys()) expect(await runtime.redis.pttl(key)).toBeGreaterThan(keepMs - 600_000);
  expect((await before.read({ tenantId: 'acme', limit: 10 })).entries).toHaveLength(1);
  const later = open({ entries: 100, keepMs }, () => Date.now() + keepMs + 1_000);
  expect((await later.read({ tenantId: 'acme', limit: 10 })).entries).toEqual([]);
});

it('is trimmed by age, of a tenant and of all', async () => {
  for (const key of keys()) await runtime.redis.xadd(key, '1-0', 'entry', JSON.stringify(entry()));
  const audit = openAuditLog({ ...runtime, now: Date.now, isTrimDue: () => true });
  audit.record(entry());
  await audit.close();
  for (const key of keys()) expect(await runtime.redis.xlen(key)).toBe(1);
});

it('skips what another version wrote', async () => {
  const audit = open();
  const text = JSON.stringify(entry({ action: 'session.teleported' as never })); // not an action of this version
  audit.record(entry());
  await audit.close();
  await runtime.redis.xadd(auditKey(runtime.namespace), '*', 'entry', text);
  const skipped = await runtime.redis.xadd(auditKey(runtime.namespace), '*', 'entry', 'no JSON');
  expect(await audit.read({ tenantId: null, limit: 1 })).toEqual({ entries: [], nextCursor: skipped });
  expect((await audit.read({ tenantId: null, limit: 10 })).entries).toHaveLength(1);
});

it('fails no call while Redis is down, logs that once, and continues afterwards', async () => {
  await runtime.close();
  runtime = openTestRuntime(inject('serverUrl'));
  const url = new URL(runtime.redisUrl);
  const proxy = await openTestProxy(Number(url.port));
  url.port = String(proxy.port);
  const lines: string[] = [];
  const log = createLog('test', 'warn', { write: (line) => void lines.push(line) });
  const redis = connectRedis(url.href, 'commands', runtime.log);
  const audit = openAuditLog({ redis, namespace: runtime.namespace, log, now: Date.now });
  audit.record(entry());
  await audit.close();
  proxy.refuse(true);
  proxy.cut();
  for (let n = 0; n < 5; n++) audit.record(entry());
  await audit.close();
  proxy.refuse(false);
  while ((await redis.ping().catch(() => '')) !== 'PONG');
  audit.record(entry({ action: 'session.cancelled' }));
  await audit.close();
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    'audit entries may be lost; Redis does not accept them',
    'audit entries are accepted again',
  ]);
  const actions = (await audit.read({ tenantId: 'acme', limit: 10 })).entries.map(({ action }) => action);
  expect([actions[0], actions.at(-1)]).toEqual(['session.cancelled', 'session.created']);
  redis.disconnect();
  await proxy.close();
});

it("keeps the others' log, and warns once, if a tenant's key holds no stream", async () => {
  const [, own] = keys();
  await runtime.redis.set(own, 'of another program');
  const lines: string[] = [];
  const log = createLog('test', 'warn', { write: (line) => void lines.push(line) });
  const audit = openAuditLog({ ...runtime, log, now: Date.now, isTrimDue: () => true });
  for (let n = 0; n < 3; n++) {
    audit.record(entry());
    audit.record(entry({ tenantId: 'other' }));
    await audit.close();
  }
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
    expect.objectContaining({ tenantId: 'acme', key: own, msg: expect.stringContaining('delete the key') }),
  ]);
  expect((await audit.read({ tenantId: null, limit: 10 })).entries).toHaveLength(6);
  expect((await audit.read({ tenantId: 'other', limit: 10 })).entries).toHaveLength(3);
});

it('records a login or an end once, whichever process is first', async () => {
  const audit = open();
  const both = [0, 1].map(() => openRedisSessions({ ...runtime, policy: DEFAULT_POLICY, audit }));
  const [one] = both;
  const [connected, cancelled] = [sampleSession(), sampleSession()];
  for (const session of [connected, cancelled]) await one?.create(session, 'sealed');
  const at = Date.now();
  const login = { kind: 'answered', at, startedAt: at, jitter: 0, outcome: { kind: 'authorized', account: null } } as const;
  await Promise.all(both.map((sessions) => sessions.apply(connected.id, login)));
  await Promise.all(both.map((sessions) => sessions.apply(cancelled.id, { kind: 'cancelled', at })));
  await audit.close();
  const { entries } = await audit.read({ tenantId: null, limit: 10 });
  const told = entries.map(({ action, actor, outcome }) => `${action} ${actor.kind} ${outcome}`);
  expect(told.sort()).toEqual(['session.connected provider ok', 'session.ended system cancelled']);
  for (const sessions of both) await sessions.close();
});
