/** What can happen while a session is being made, and how many ended sessions are kept. */

import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { DEFAULT_TENANT_LIMITS } from '@qrcast/core/tenant-limits';
import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { liveSessionsKey, sessionKey, sessionKeyPattern } from '@qrcast/runtime/redis/keys';
import { findKeys } from '@qrcast/runtime/test/find-keys';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, newInstance, openTestGateway, type TestGateway } from '../../test/gateway.ts';
import { createLimitOf } from '../limits/tenant-limits.ts';
import { openTenantStanding, type TenantStanding } from '../tenants/tenant-standing.ts';
import type { Tenant } from '../tenants/tenants.ts';
import type { Kept } from './ended-sessions.ts';
import { createSessionIndex, type SessionIndex } from './session-index.ts';
import { createSessionQuota, noticeEnds } from './session-quota.ts';
import { createSessionService, type SessionService } from './session-service.ts';
import { createWatching } from './watching.ts';

let test: TestGateway;
let standing: TenantStanding;
beforeAll(async () => {
  test = await openTestGateway();
  standing = openTenantStanding({ bus: test.node.bus, namespace: test.namespace, tenants: test.gateway.tenants });
});
afterAll(async () => {
  standing.close();
  await test.close();
});

const limitOf = createLimitOf(DEFAULT_TENANT_LIMITS);

/**
 * The service of another gateway. `meets` runs just before a session is added to its tenant's list.
 */
function serviceThat(meets: () => Promise<unknown>, kept?: Kept): { service: SessionService; index: SessionIndex } {
  const { namespace } = test;
  const sessionQuota = createSessionQuota({ ...test.node, namespace, limitOf });
  const shared = { ...test.node, sessions: noticeEnds(test.node.sessions, sessionQuota.leave), namespace };
  const index = createSessionIndex(shared);
  const service = createSessionService({
    ...shared,
    standing,
    index: {
      ...index,
      async add(session) {
        await meets();
        return index.add(session);
      },
    },
    watching: createWatching({ ...shared, graceMs: 1_000 }),
    viewerCounts: { read: async () => 0 },
    sessionQuota,
    limitOf,
    kept,
    tickets: test.tickets,
    keyring: createKeyring([{ id: 'k1', key: Buffer.alloc(32, 7) }]),
    policy: DEFAULT_POLICY,
    upstreamHosts: DEFAULT_UPSTREAM_HOSTS,
  });
  return { service, index };
}

it.each([
  ['deleted', 'DELETE', undefined, 'unauthenticated'],
  ['suspended', 'PATCH', { suspended: true }, 'forbidden'],
] as const)('a session whose tenant is %s meanwhile is refused, and nothing of it stays', async (_what, method, body, code) => {
  const { id } = await test.newTenant();
  const tenant = (await test.gateway.tenants.find(id)) as Tenant; // just made
  const change = (): Promise<unknown> => test.call(method, `/v1/admin/tenants/${id}`, { secret: ADMIN_KEY, body });
  const { service, index } = serviceThat(change);
  const request = newInstance();
  await expect(service.create(tenant, request)).rejects.toMatchObject({ code });
  const sessionId = (await index.current(id, request.instanceId)) ?? '';
  expect(sessionId).toMatch(/^ses_/);
  expect(await test.node.sessions.find(sessionId)).toBeNull();
  expect(await index.page(id, null, 10)).toEqual([]);
  expect(await test.node.redis.zcard(liveSessionsKey(test.namespace, id))).toBe(0);
});

it('a session that could not be made no longer counts, at once', async () => {
  const { id } = await test.newTenant();
  const tenant = (await test.gateway.tenants.find(id)) as Tenant; // just made
  const { service } = serviceThat(() => Promise.reject(new Error('Redis is out')));
  await expect(service.create(tenant, newInstance())).rejects.toThrow('Redis is out');
  expect(await test.node.redis.zcard(liveSessionsKey(test.namespace, id))).toBe(0);
});

it('a session that loses against a simultaneous request for the instance leaves no record, and does not count', async () => {
  const { id } = await test.newTenant();
  const tenant = (await test.gateway.tenants.find(id)) as Tenant; // just made
  const { service } = serviceThat(() => Promise.resolve());
  const request = newInstance();
  const before = await countRecords();
  const made = await Promise.all(Array.from({ length: 5 }, () => service.create(tenant, request)));
  expect(new Set(made.map(({ session }) => session.id)).size).toBe(1);
  expect(made.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect((await countRecords()) - before).toBe(1);
  expect(await test.node.redis.zcard(liveSessionsKey(test.namespace, id))).toBe(1);
});

describe('ended sessions', () => {
  const KEPT = { least: 4, slack: 2 };

  async function limitedTenant(sessions: number): Promise<Tenant> {
    const { id } = await test.newTenant();
    await test.gateway.tenants.patch(id, { limits: { sessions } });
    return (await test.gateway.tenants.find(id)) as Tenant; // just made
  }

  /** Makes and cancels, one after the other; resolves to the ids, oldest first. */
  async function endSome(service: SessionService, tenant: Tenant, count: number): Promise<readonly string[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      const { session } = await service.create(tenant, { ...newInstance(), reference: 'a' });
      await service.cancel(session.id);
      ids.push(session.id);
      while (test.node.clock.now() <= session.createdAt) await test.node.redis.ping();
    }
    return ids;
  }

  it.each([
    ['are bounded: the oldest are deleted, with all that names them', KEPT],
    ['(twin) grow on if all may stay', { least: 1_000, slack: 2 }],
  ])('%s', async (_what, kept) => {
    const tenant = await limitedTenant(2);
    const { service, index } = serviceThat(() => Promise.resolve(), kept);
    const { session: live } = await service.create(tenant, newInstance()); // the oldest of all, and it stays
    const before = await countRecords();
    const ids = await endSome(service, tenant, 20);
    const most = kept === KEPT ? KEPT.least + KEPT.slack + 2 : 20; // two live ones may be beside them
    expect((await countRecords()) - before).toBeLessThanOrEqual(most);
    if (kept !== KEPT) return expect((await countRecords()) - before).toBe(20);
    const listed = (await service.list(tenant.id, { limit: 100 })).sessions.map(({ id }) => id);
    expect(listed).toEqual([...ids.slice(-(listed.length - 1)).toReversed(), live.id]);
    expect(listed.length).toBeGreaterThanOrEqual(KEPT.least);
    expect(await index.page(tenant.id, null, 100, 'a')).toEqual(listed.slice(0, -1));
    await expect(service.find(ids[0] ?? '')).rejects.toMatchObject({ code: 'not_found' });
    expect((await service.find(live.id)).state.kind).toBe('idle');
  });

  it('are deleted after those without records, and no longer count although nobody noticed their end', async () => {
    const tenant = await limitedTenant(3);
    const { service } = serviceThat(() => Promise.resolve(), KEPT);
    const { session: unseen } = await service.create(tenant, newInstance());
    // As a worker does it, while nobody watches here.
    await test.node.sessions.apply(unseen.id, { kind: 'cancelled', at: test.node.clock.now() });
    const expired = await endSome(service, tenant, 4);
    for (const id of expired) await test.node.redis.del(sessionKey(test.namespace, id));
    await endSome(service, tenant, 6); // beyond the slack, but only sessions without a record are deleted
    expect(await test.node.sessions.find(unseen.id)).not.toBeNull();
    await endSome(service, tenant, 12);
    expect(await test.node.sessions.find(unseen.id)).toBeNull();
    expect(await test.node.redis.zrange(liveSessionsKey(test.namespace, tenant.id), '0', '-1')).toEqual([]);
  });

  it('of a deleted tenant are deleted a minute later', async () => {
    const tenant = await limitedTenant(10);
    const { service } = serviceThat(() => Promise.resolve());
    const { session } = await service.create(tenant, newInstance());
    await service.cancelAll(tenant.id);
    const leftMs = await test.node.redis.pttl(sessionKey(test.namespace, session.id));
    expect(leftMs).toBeGreaterThan(10_000);
    expect(leftMs).toBeLessThanOrEqual(61_000); // by Redis's own clock
  });
});

const countRecords = async (): Promise<number> => (await findKeys(test.node.redis, sessionKeyPattern(test.namespace))).length;
