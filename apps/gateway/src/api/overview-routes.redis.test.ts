/** The overview of sessions, as tenants and the operator look at it. */

import { viewersKey } from '@qrcast/runtime/redis/keys';
import { findKeys } from '@qrcast/runtime/test/find-keys';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, imageOf, openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';
import { type OverviewReader, openOverviewReader } from '../../test/overview-reader.ts';
import { addToList } from '../../test/session-list.ts';

let test: TestGateway;
const readers: OverviewReader[] = [];
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());
afterEach(() => {
  for (const reader of readers.splice(0)) reader.leave();
});

async function look(tenant: TestTenant, by = test): Promise<OverviewReader> {
  const reader = await openOverviewReader(by.url, tenant.apiKey);
  readers.push(reader);
  return reader;
}

async function lookAtAll(query = ''): Promise<OverviewReader> {
  const reader = await openOverviewReader(test.url, ADMIN_KEY, `/v1/admin/overview${query}`);
  readers.push(reader);
  return reader;
}

describe('GET /v1/overview', () => {
  it('tells of a login what happens, and no secret of it', async () => {
    const tenant = await test.newTenant();
    const { session, ticket } = await test.create({ reference: 'order-77', expectedPhone: '+79990000000' }, tenant);
    const reader = await look(tenant);
    await expect.poll(() => reader.shown.get(session.id)).toMatchObject({ tenantId: tenant.id, state: 'idle', reference: 'order-77' });
    const viewer = test.view(ticket);
    await viewer.until('session', ({ state }) => state === 'waiting');
    await expect.poll(() => reader.shown.get(session.id)).toMatchObject({ state: 'waiting', viewers: 1 });
    const text = 'https://example.com/:auth/secret-of-the-code';
    await test.answer(session.id, { kind: 'code', digest: 'one', image: imageOf('iVBORw0KGgo='), text });
    await expect.poll(() => reader.shown.get(session.id)?.state).toBe('showing');
    await test.answer(session.id, { kind: 'authorized', account: { wid: '79990000000@c.us', phone: '79990000000' } });
    await expect.poll(() => reader.shown.get(session.id)?.state).toBe('connected');
    for (const secret of [text, 'iVBORw0KGgo', '79990000000', ticket, tenant.apiKey]) expect(reader.text()).not.toContain(secret);
    expect(reader.events.map(({ isFirst }) => isFirst)).toEqual(reader.events.map((_, i) => i === 0));
  });

  it('is no watch: the session stays idle, has no viewer, and no key of viewers is written', async () => {
    const tenant = await test.newTenant();
    const { session } = await test.create({}, tenant);
    const [theirs, all] = [await look(tenant), await lookAtAll()];
    for (const reader of [theirs, all]) await expect.poll(() => reader.shown.get(session.id)?.state).toBe('idle');
    await test.create({}, tenant);
    await expect.poll(() => theirs.events.length).toBe(2); // two readings
    expect((await test.stored(session.id)).state.kind).toBe('idle');
    expect(await test.node.redis.exists(viewersKey(test.namespace, session.id))).toBe(0);
    expect(await findKeys(test.node.redis, `${test.namespace}:{tenant:${tenant.id}}:*aces`)).toEqual([]);
  });

  it("shows a tenant's own sessions alone", async () => {
    const [one, other] = [await test.newTenant(), await test.newTenant()];
    await test.create({ reference: 'of-another' }, other);
    const { session } = await test.create({}, one);
    const reader = await look(one);
    await expect.poll(() => reader.shown.size).toBe(1);
    expect([...reader.shown.keys()]).toEqual([session.id]);
    expect(reader.text()).not.toContain('of-another');
  });

  it('begins with an empty list, and tells when a session is gone', async () => {
    const tenant = await test.newTenant();
    const reader = await look(tenant);
    await expect.poll(() => reader.events).toMatchObject([{ isFirst: true, sessions: [], gone: [], isCut: false }]);
    const { session } = await test.create({}, tenant);
    await expect.poll(() => reader.shown.size).toBe(1);
    await test.call('DELETE', `/v1/sessions/${session.id}`, { secret: tenant.apiKey });
    await expect.poll(() => reader.shown.get(session.id)?.end).toEqual({ reason: 'cancelled', resumable: false });
    expect(await test.node.sessions.remove(await test.stored(session.id))).toBe(true);
    await expect.poll(() => reader.events.at(-1)?.gone).toEqual([session.id]);
  });

  it('shows what time has changed, and writes nothing', async () => {
    const tenant = await test.newTenant();
    const past = Date.now() - 60_000;
    const gone = sampleSession({ tenantId: tenant.id, expiresAt: past + 30_000 }, past);
    await test.node.sessions.create(gone, '');
    await addToList(test, tenant, gone.id, gone.createdAt);
    const reader = await look(tenant);
    await expect.poll(() => reader.shown.get(gone.id)).toMatchObject({ state: 'ended', end: { reason: 'expired' } });
    expect(await test.stored(gone.id)).toMatchObject({ version: 1, state: { kind: 'idle' } });
  });

  it('leaves out what ended long ago', async () => {
    const tenant = await test.newTenant();
    const past = Date.now() - 3 * 3_600_000;
    const old = sampleSession({ tenantId: tenant.id, expiresAt: past + 3_600_000 }, past);
    await test.node.sessions.create({ ...old, expiresAt: Date.now() + 60_000, state: { kind: 'ended', reason: 'cancelled' } }, '');
    await addToList(test, tenant, old.id, old.createdAt);
    const { session } = await test.create({}, tenant);
    const reader = await look(tenant);
    await expect.poll(() => [...reader.shown.keys()]).toEqual([session.id]);
  });

  it('has the newest 200 sessions, and says that there are more', async () => {
    const tenant = await test.newTenant();
    const now = Date.now();
    const made = Array.from({ length: 203 }, (_, i) => sampleSession({ tenantId: tenant.id }, now - i));
    await Promise.all(made.map((session) => test.node.sessions.create(session, '')));
    for (const { id, createdAt } of made) await addToList(test, tenant, id, createdAt);
    const [theirs, all] = [await look(tenant), await lookAtAll(`?tenantId=${tenant.id}`)];
    for (const reader of [theirs, all]) {
      await expect.poll(() => reader.events[0]?.isCut).toBe(true);
      expect([...reader.shown.keys()]).toEqual(made.slice(0, 200).map(({ id }) => id));
    }
  });

  it('passes by what cannot be read', async () => {
    const tenant = await test.newTenant();
    await addToList(test, tenant, 'ses_that_is_gone', Date.now());
    const { session } = await test.create({}, tenant);
    const reader = await look(tenant);
    await expect.poll(() => [...reader.shown.keys()]).toEqual([session.id]);
  });
});

describe('GET /v1/admin/overview', () => {
  it('is pushed full by no tenant, neither with live sessions nor with ended ones', async () => {
    const alone = await openTestGateway();
    const now = Date.now();
    const [many, ender, few] = [alone.tenant, await alone.newTenant(), await alone.newTenant()];
    const make = async (tenant: TestTenant, count: number, ageMs: number, part: object = {}) => {
      const made = Array.from({ length: count }, (_, i) => ({ ...sampleSession({ tenantId: tenant.id }, now - ageMs - i), ...part }));
      await Promise.all(made.map((session) => alone.node.sessions.create(session, '')));
      const places = made.flatMap(({ id, createdAt }) => [createdAt, id]);
      await alone.node.redis.zadd(`${alone.namespace}:{tenant:${tenant.id}}:sessions`, ...places);
      return made.map(({ id }) => id);
    };
    await make(many, 250, 0);
    const ended = await make(ender, 60, 0, { state: { kind: 'ended', reason: 'cancelled' } });
    const live = await make(ender, 2, 60_000);
    const theirs = await make(few, 3, 120_000);
    const reader = await openOverviewReader(alone.url, ADMIN_KEY, '/v1/admin/overview');
    readers.push(reader);
    await expect.poll(() => reader.events.length).toBe(1);
    const ids = [...reader.shown.keys()];
    expect(ids.length).toBe(200);
    expect(ids).toEqual(expect.arrayContaining([...theirs, ...live]));
    expect(ids.filter((id) => ended.includes(id))).toEqual([]); // others live
    expect(reader.events[0]?.isCut).toBe(true);
    const only = await openOverviewReader(alone.url, ender.apiKey);
    readers.push(only);
    await expect.poll(() => [only.shown.size, only.events[0]?.isCut]).toEqual([62, false]);
    await alone.close();
  });

  it('looks past what ended long ago for what is live', async () => {
    const tenant = await test.newTenant();
    const past = Date.now() - 3 * 3_600_000;
    const made = Array.from({ length: 230 }, (_, i) => sampleSession({ tenantId: tenant.id, expiresAt: Date.now() + 60_000 }, past + i));
    await Promise.all(made.map((one) => test.node.sessions.create({ ...one, state: { kind: 'ended', reason: 'cancelled' } }, '')));
    for (const { id, createdAt } of made) await addToList(test, tenant, id, createdAt);
    const old = sampleSession({ tenantId: tenant.id, expiresAt: Date.now() + 60_000 }, past - 1);
    await test.node.sessions.create(old, '');
    await addToList(test, tenant, old.id, old.createdAt);
    const reader = await look(tenant);
    await expect.poll(() => reader.events.length).toBe(1);
    expect([[...reader.shown.keys()], reader.events[0]?.isCut]).toEqual([[old.id], false]);
  });

  it('shows the sessions of all tenants, or of one', async () => {
    const [one, other] = [await test.newTenant(), await test.newTenant()];
    const mine = await test.create({}, one);
    const theirs = await test.create({}, other);
    const [all, some] = [await lookAtAll(), await lookAtAll(`?tenantId=${one.id}`)];
    await expect.poll(() => [all.shown.has(mine.session.id), all.shown.has(theirs.session.id)]).toEqual([true, true]);
    await expect.poll(() => [...some.shown.keys()]).toEqual([mine.session.id]);
  });

  it.each(['?tenantId=', '?tenant=acme', `?tenantId=${'x'.repeat(65)}`])('refuses %s', async (query) => {
    const { status, body } = await test.call('GET', `/v1/admin/overview${query}`, { secret: ADMIN_KEY });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
  });
});

describe('a stream of the overview ends', () => {
  it('when its key is removed, and the stream of another key of the tenant goes on', async () => {
    const tenant = await test.newTenant();
    const { apiKey, keyId } = await test.gateway.tenants.addKey(tenant.id);
    const [first, second] = [await look(tenant), await look({ ...tenant, apiKey })];
    await test.gateway.tenants.removeKey(tenant.id, keyId);
    expect(await second.ended).toBe('unauthenticated');
    await test.create({}, tenant);
    await expect.poll(() => first.shown.size).toBe(1);
  });

  it('when its tenant is suspended', async () => {
    const tenant = await test.newTenant();
    const reader = await look(tenant);
    await test.gateway.tenants.patch(tenant.id, { suspended: true });
    expect(await reader.ended).toBe('forbidden');
  });

  it('when its tenant is deleted, while the operator looks on', async () => {
    const tenant = await test.newTenant();
    const { session } = await test.create({}, tenant);
    const [reader, all] = [await look(tenant), await lookAtAll(`?tenantId=${tenant.id}`)];
    await test.call('DELETE', `/v1/admin/tenants/${tenant.id}`, { secret: ADMIN_KEY });
    expect(await reader.ended).toBe('unauthenticated');
    await expect.poll(() => all.events.at(-1)?.gone).toEqual([session.id]);
  });

  it('when the gateway stops, with a time to return', async () => {
    const leaving = await openTestGateway({ namespace: test.namespace });
    const reader = await look(leaving.tenant, leaving);
    await expect.poll(() => reader.events.length).toBe(1);
    const closed = leaving.gateway.close(0);
    expect(await reader.ended).toBe('draining');
    expect(reader.text()).toMatch(/event: draining\nretry: \d+\ndata: \{"retryAfterMs":\d+\}\n\nevent: closing\n/);
    await closed;
    await leaving.close();
  });
});

describe('the slots of the overview', () => {
  it('are few for a tenant, and free again when its reader has left', async () => {
    const tenant = await test.newTenant();
    const open = await Promise.all(Array.from({ length: 4 }, () => look(tenant)));
    const { status, body, headers } = await test.call('GET', '/v1/overview', { secret: tenant.apiKey });
    expect([status, body.code, headers.get('retry-after')]).toEqual([429, 'too_many_requests', '1']);
    open[0]?.leave();
    await expect.poll(async () => (await look(tenant)).status).toBe(200);
  });

  it('are no slots of connections, and count in no quota of viewers', async () => {
    const small = await openTestGateway({ namespace: test.namespace, maxConnections: 1 });
    await small.gateway.tenants.patch(small.tenant.id, { limits: { viewers: 1 } });
    const { session, ticket } = await small.create();
    const open = [await look(small.tenant, small), await look(small.tenant, small)];
    const viewer = small.view(ticket);
    await viewer.until('session');
    await expect.poll(() => open.map(({ shown }) => shown.get(session.id)?.viewers)).toEqual([1, 1]);
    await small.close();
  });
});
