/** What a session's making meets half way. */

import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { DEFAULT_TENANT_LIMITS } from '@qrcast/core/tenant-limits';
import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import { createKeyring } from '@qrcast/runtime/keyring';
import { liveSessionsKey } from '@qrcast/runtime/keys';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLiveSessions } from './live-sessions.ts';
import { createSessionIndex, type SessionIndex } from './session-index.ts';
import { createSessionService, type SessionService } from './session-service.ts';
import { createLimitOf } from './tenant-limits.ts';
import { openTenantStanding, type TenantStanding } from './tenant-standing.ts';
import type { Tenant } from './tenants.ts';
import { ADMIN_KEY, newInstance, openTestGateway, type TestGateway } from './test-gateway.ts';
import { createViewerCounts } from './viewer-counts.ts';
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

/** Another gateway's, but for what happens just before a session gets into its tenant's list. */
function serviceThat(meets: () => Promise<unknown>): { service: SessionService; index: SessionIndex } {
  const shared = { ...test.node, namespace: test.namespace };
  const index = createSessionIndex(shared);
  const service = createSessionService({
    ...shared,
    standing,
    index: {
      ...index,
      async add(session) {
        await meets();
        await index.add(session);
      },
    },
    watching: createWatching({ ...shared, graceMs: 1_000 }),
    viewerCounts: createViewerCounts({ ...shared, gatewayId: 'another', lastsMs: 1_000 }),
    liveSessions: createLiveSessions({ ...shared, limitOf: createLimitOf(DEFAULT_TENANT_LIMITS) }),
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
] as const)('a session whose tenant is %s meanwhile is refused and ended', async (_what, method, body, code) => {
  const { id } = await test.newTenant();
  const tenant = (await test.gateway.tenants.find(id)) as Tenant; // just made
  const change = (): Promise<unknown> => test.call(method, `/v1/admin/tenants/${id}`, { secret: ADMIN_KEY, body });
  const { service, index } = serviceThat(change);
  const request = newInstance();
  await expect(service.create(tenant, request)).rejects.toMatchObject({ code });
  const sessionId = (await index.current(id, request.instanceId)) ?? '';
  expect((await test.node.sessions.find(sessionId))?.state).toEqual({ kind: 'ended', reason: 'cancelled' });
  expect(await index.page(id, null, 10)).toEqual([]);
  expect(await test.node.redis.zcard(liveSessionsKey(test.namespace, id))).toBe(0);
});

it('a session that could not be made leaves its place at once', async () => {
  const { id } = await test.newTenant();
  const tenant = (await test.gateway.tenants.find(id)) as Tenant; // just made
  const { service } = serviceThat(() => Promise.reject(new Error('Redis is out')));
  await expect(service.create(tenant, newInstance())).rejects.toThrow('Redis is out');
  expect(await test.node.redis.zcard(liveSessionsKey(test.namespace, id))).toBe(0);
});
