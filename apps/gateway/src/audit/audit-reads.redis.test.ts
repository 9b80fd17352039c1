import type { AuditEntry } from '@qrcast/core/audit';
import { auditKey, tenantAuditKey } from '@qrcast/runtime/redis/keys';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestAudit, type Read, type TestAudit } from '../../test/audit.ts';
import { ADMIN_KEY, newInstance, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
let audit: TestAudit['audit'];
let untilEntries: TestAudit['untilEntries'];
let untilAll: TestAudit['untilAll'];
let close: TestAudit['close'];
beforeEach(async () => {
  ({ test, audit, untilEntries, untilAll, close } = await openTestAudit());
});
afterEach(() => close());

it('shows a tenant its own entries, and the operator all', async () => {
  const other = await test.newTenant();
  await test.create();
  await test.create({}, other);
  await untilEntries(1);
  await untilAll('session.created', 2);
  const mine = await audit();
  expect(new Set(mine.entries.map(({ tenantId }) => tenantId))).toEqual(new Set([test.tenant.id]));
  expect((await test.call('GET', `/v1/audit?tenantId=${other.id}`)).status).toBe(400);
  expect((await test.call('GET', '/v1/admin/audit')).status).toBe(401);
  const all = await audit('action=session.created', ADMIN_KEY, '/v1/admin/audit');
  expect(new Set(all.entries.map(({ tenantId }) => tenantId))).toEqual(new Set([test.tenant.id, other.id]));
  const theirs = await audit(`tenantId=${other.id}`, ADMIN_KEY, '/v1/admin/audit');
  expect(new Set(theirs.entries.map(({ tenantId }) => tenantId))).toEqual(new Set([other.id]));
});

it('is read to its end, across entries of another version', async () => {
  await test.create();
  const key = tenantAuditKey(test.namespace, test.tenant.id);
  const { id, at, credential, ...older } = (await untilEntries(1))[0] as AuditEntry; // there is one
  // As a version without that field wrote it.
  await test.node.redis.xadd(key, '*', 'entry', JSON.stringify(older));
  for (let n = 0; n < 250; n++) await test.node.redis.xadd(key, '*', 'entry', '{}'); // more than are read at once
  const { entries } = await audit('action=session.created');
  expect(entries).toMatchObject([older, older].map((entry) => ({ ...entry, credential })));
});

it('is read in pages, by action and by time, and no entry is repeated or missing', async () => {
  for (let n = 0; n < 7; n++) await test.create();
  const all = await untilEntries(7);
  const paged: AuditEntry[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Read = await audit(`action=session.created&limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`);
    expect(page.entries.length).toBeLessThanOrEqual(3);
    paged.push(...page.entries);
    cursor = page.nextCursor;
  }
  expect(paged).toEqual(all);
  const [newest, , , , , , oldest] = all;
  expect((await audit(`from=${(newest?.at ?? 0) + 1}`)).entries).toEqual([]);
  expect((await audit(`to=${(oldest?.at ?? 0) - 1}&action=session.created`)).entries).toEqual([]);
  expect((await audit(`from=${oldest?.at}&to=${newest?.at}&action=session.created`)).entries).toEqual(all);
  expect((await test.call('GET', '/v1/audit?cursor=newest')).status).toBe(400);
});

it('loses nothing when a gateway stops', async () => {
  const closing = await openTestGateway({ namespace: test.namespace });
  const made = await Promise.all(Array.from({ length: 20 }, () => closing.create()));
  await Promise.all(made.map(({ session }) => closing.call('DELETE', `/v1/sessions/${session.id}`)));
  await closing.close();
  const { entries } = await audit('action=session.cancelled&limit=200', ADMIN_KEY, '/v1/admin/audit');
  expect(new Set(entries.map(({ sessionId }) => sessionId))).toEqual(new Set(made.map(({ session }) => session.id)));
});

it('holds no secret', async () => {
  const instance = newInstance();
  const made = await test.create(instance);
  const viewer = test.view(made.ticket);
  await viewer.until('session', ({ state }) => state === 'waiting');
  await test.showCode(made.session.id, 'c2VjcmV0LWNvZGU');
  await test.answer(made.session.id, { kind: 'passwordWanted' });
  await viewer.until('session', ({ state }) => state === 'password');
  await viewer.call('password', { sessionId: made.session.id, password: 'hunter2-hunter2' });
  await test.answer(made.session.id, { kind: 'authorized', account: { wid: '79990000000@c.us', phone: '79990000000' } });
  await test.call('GET', '/v1/sessions', { secret: 'qk_somebody-elses-key' });
  await test.call('POST', `/v1/webhooks/green-api/${test.tenant.id}`, { secret: 'wrong-webhook-token' });
  await untilEntries(4);
  await untilAll('auth.refused', 2);
  const stored = JSON.stringify(await test.node.redis.xrange(auditKey(test.namespace), '-', '+'));
  expect(stored).toContain(made.session.id);
  const { apiKey, webhookToken } = test.tenant;
  const secrets = [
    instance.apiToken,
    made.ticket,
    apiKey,
    webhookToken,
    ADMIN_KEY,
    'hunter2-hunter2',
    'c2VjcmV0LWNvZGU',
    '79990000000',
    'qk_',
    'wrong-webhook-token',
  ];
  for (const secret of secrets) expect(stored).not.toContain(secret);
});
