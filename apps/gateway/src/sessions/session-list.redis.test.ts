import { sessionKey } from '@qrcast/runtime/redis/keys';
import { findKeys } from '@qrcast/runtime/test/find-keys';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Body, imageOf, openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';
import { createSessionIndex } from './session-index.ts';
import { createSessionList } from './session-list.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

const list = async (tenant: TestTenant, query: string): Promise<Body> =>
  (await test.call('GET', `/v1/sessions${query}`, { secret: tenant.apiKey })).body;

/**
 * Makes sessions and returns their ids, newest first. Sessions of the same millisecond have no
 * order, so they are made one by one.
 */
async function createSome(tenant: TestTenant, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const { session } = await test.create({ reference: i % 2 === 0 ? 'even' : 'odd' }, tenant);
    ids.unshift(session.id);
    while (Date.now() <= session.startedAt) await test.node.redis.ping();
  }
  return ids;
}

describe('GET /v1/sessions', () => {
  it("pages through the tenant's own sessions, newest first, each once", async () => {
    const tenant = await test.newTenant();
    const ids = await createSome(tenant, 5);
    await test.create({}, await test.newTenant());
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let pages = 0; pages < 10; pages++) {
      const page: Body = await list(tenant, `?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`);
      expect(page.sessions.length).toBeLessThanOrEqual(2);
      seen.push(...page.sessions.map(({ id }) => id));
      cursor = page.nextCursor;
      if (cursor === null) break;
    }
    expect(seen).toEqual(ids);
    expect(cursor).toBeNull();
  });

  it('continues after the cursor although newer sessions were created in the meantime', async () => {
    const tenant = await test.newTenant();
    const ids = await createSome(tenant, 3);
    const first = await list(tenant, '?limit=2');
    await test.create({}, tenant);
    expect((await list(tenant, `?limit=2&cursor=${first.nextCursor}`)).sessions.map(({ id }) => id)).toEqual(ids.slice(2));
  });

  it('filters by state and reference, and leaves the codes out', async () => {
    const tenant = await test.newTenant();
    const [newest = '', middle = '', oldest = ''] = await createSome(tenant, 3);
    await test.call('GET', `/v1/sessions/${middle}`, { secret: tenant.apiKey });
    await test.answer(middle, { kind: 'code', digest: 'AAAA', image: imageOf('AAAA'), text: 'https://max.ru/:auth/AAAA' });
    const showing = await list(tenant, '?state=showing');
    expect(showing.sessions.map(({ id }) => id)).toEqual([middle]);
    expect(showing.sessions[0]?.code).toEqual({ image: null, text: null, issuedAt: expect.any(Number), staleAt: expect.any(Number) });
    expect(showing.nextCursor).toBeNull();
    expect((await list(tenant, '?reference=even')).sessions.map(({ id }) => id)).toEqual([newest, oldest]);
    expect((await list(tenant, '?reference=even&state=showing')).sessions).toEqual([]);
    expect((await list(tenant, '?reference=even&limit=1')).sessions.map(({ id }) => id)).toEqual([newest]);
  });

  it('finds a reference among many at once, and reads no more than 200 records for a page of another filter', async () => {
    const tenant = await test.newTenant();
    const first = await test.create({ reference: 'order-77' }, tenant);
    for (let i = 0; i < 210; i++) await test.create({}, tenant);
    const byReference = await list(tenant, '?reference=order-77');
    expect(byReference.sessions.map(({ id }) => id)).toEqual([first.session.id]);
    expect(byReference.nextCursor).toBeNull();
    expect(await list(tenant, '?reference=order-7')).toEqual({ sessions: [], nextCursor: null });
    const reads: string[] = [];
    const list200 = createSessionList({
      ...test.node,
      index: createSessionIndex({ redis: test.node.redis, namespace: test.namespace }),
      viewerCounts: { read: async () => 0 },
      current(id) {
        reads.push(id);
        return test.node.sessions.find(id);
      },
    });
    const page = await list200(tenant.id, { limit: 20, state: 'connected' });
    expect([page.sessions, page.nextCursor, reads.length]).toEqual([[], reads[199], 200]);
    expect(await list(tenant, `?state=connected&cursor=${page.nextCursor}`)).toEqual({ sessions: [], nextCursor: null });
  });

  it('removes sessions whose record is gone', async () => {
    const tenant = await test.newTenant();
    const [newest = '', middle = '', oldest = ''] = await createSome(tenant, 3);
    await test.node.redis.del(sessionKey(test.namespace, middle));
    expect((await list(tenant, '')).sessions.map(({ id }) => id)).toEqual([newest, oldest]);
  });

  it('continues after any number of sessions without records, and deletes their references', async () => {
    const tenant = await test.newTenant();
    const { session } = await test.create({ expiresInSeconds: 604_800 }, tenant);
    const gone: string[] = [];
    for (let i = 0; i < 210; i++) gone.push((await test.create({ reference: `order-${i}`, expiresInSeconds: 60 }, tenant)).session.id);
    for (const id of gone) await test.node.redis.del(sessionKey(test.namespace, id));
    const references = await findKeys(test.node.redis, `*{tenant:${tenant.id}}:reference:*`);
    expect(references).toHaveLength(210);
    for (const key of references.slice(0, 5)) expect(await test.node.redis.pttl(key)).toBeLessThan(3_700_000); // an hour after the session
    expect(await test.node.redis.pttl(`${test.namespace}:{tenant:${tenant.id}}:sessions`)).toBeGreaterThan(600_000_000);
    expect((await list(tenant, '')).sessions.map(({ id }) => id)).toEqual([session.id]);
  });

  it('is empty for a tenant without sessions, and after a cursor that was never issued', async () => {
    const tenant = await test.newTenant();
    expect(await list(tenant, '')).toEqual({ sessions: [], nextCursor: null });
    await test.create({}, tenant);
    expect(await list(tenant, '?cursor=ses_none')).toEqual({ sessions: [], nextCursor: null });
  });

  it.each(['?limit=0', '?limit=101', '?limit=many', '?state=gone', '?page=2'])('refuses %s by name', async (query) => {
    const { status, body } = await test.call('GET', `/v1/sessions${query}`);
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(body.detail).toContain(/\w+/.exec(query)?.[0]);
  });
});
