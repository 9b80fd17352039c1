import { DEFAULT_TENANT_LIMITS } from '@qrcast/core/tenant-limits';
import { gatewaysOfTenantKey, viewersOfTenantKey } from '@qrcast/runtime/redis/keys';
import { findKeys } from '@qrcast/runtime/test/find-keys';
import { openTestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it, vi } from 'vitest';
import { createLimitOf } from './tenant-limits.ts';
import { openViewerQuota, type ViewerQuota } from './viewer-quota.ts';

/** By the test's own clock. Redis ends keys by the real one, and must not do that meanwhile. */
const LEASE_MS = 600_000;
const RENEW_EVERY_MS = LEASE_MS / 3;

let runtime: ReturnType<typeof openTestRuntime>;
const opened: ViewerQuota[] = [];
beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());

/** Only `pass` moves the clock and the renewals of all gateways. */
let nowMs = 0;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  nowMs = Date.now(); // the real time, because Redis expires keys by its own
});
afterEach(() => {
  for (const quota of opened.splice(0)) quota.close();
  vi.useRealTimers();
});

/** Passes to the next renewal of each lease. Resolves when Redis has it. */
async function pass(): Promise<void> {
  nowMs += RENEW_EVERY_MS;
  vi.advanceTimersByTime(RENEW_EVERY_MS);
  await runtime.redis.ping(); // behind the renewals on the same connection
}

let names = 0;
/** To Redis `close` looks like a crash: the lease is not renewed, and nothing is released. */
function openGateway(): ViewerQuota {
  const quota = openViewerQuota({
    ...runtime,
    clock: { now: () => nowMs },
    gatewayId: `gateway-${++names}`,
    lastsMs: LEASE_MS,
    limitOf: createLimitOf(DEFAULT_TENANT_LIMITS),
  });
  opened.push(quota);
  return quota;
}
const tenantOf = (viewers: number, viewersPerSession = 100) => ({ id: `acme-${++names}`, limits: { viewers, viewersPerSession } });

const takes = (quota: ViewerQuota, tenant: ReturnType<typeof tenantOf>, sessionId = 'ses_1'): Promise<boolean> =>
  quota.take(tenant, sessionId).then(
    () => true,
    () => false,
  );

it('lets two gateways take exactly as many as the limit, all at the same time', async () => {
  const tenant = tenantOf(7);
  const gateways = [openGateway(), openGateway()];
  const taken = await Promise.all(Array.from({ length: 40 }, (_, i) => takes(gateways[i % 2] as ViewerQuota, tenant, `ses_${i % 3}`)));
  expect(taken.filter(Boolean)).toHaveLength(7);
});

it('frees the viewers of a dead gateway when its lease ends, and never those of a live one', async () => {
  const tenant = tenantOf(4);
  const [dead, alive] = [openGateway(), openGateway()];
  for (const quota of [dead, dead, alive, alive]) expect(await takes(quota, tenant)).toBe(true);
  expect(await takes(alive, tenant)).toBe(false);
  dead.close();
  for (let ms = RENEW_EVERY_MS; ms < LEASE_MS; ms += RENEW_EVERY_MS) await pass();
  expect(await takes(alive, tenant)).toBe(false);
  await pass();
  expect(await takes(alive, tenant)).toBe(true);
  expect(await takes(alive, tenant)).toBe(true);
  expect(await takes(alive, tenant)).toBe(false);
  for (let ms = 0; ms < LEASE_MS * 2; ms += RENEW_EVERY_MS) await pass(); // its lease would be over, too
  expect(await takes(openGateway(), tenant)).toBe(false);
});

it('writes a lease again after Redis lost it', async () => {
  const tenant = tenantOf(2);
  const [holder, other] = [openGateway(), openGateway()];
  for (const quota of [holder, holder]) expect(await takes(quota, tenant)).toBe(true);
  await runtime.redis.del(...(await findKeys(runtime.redis, `${runtime.namespace}:{tenant:${tenant.id}}:*`)));
  await pass();
  while ((await findKeys(runtime.redis, `${runtime.namespace}:{tenant:${tenant.id}}:*`)).length < 2);
  expect(await takes(other, tenant)).toBe(false);
});

it('writes the counts of an ended lease again, although a viewer came before its renewal', async () => {
  const tenant = tenantOf(4);
  const [holder, other] = [openGateway(), openGateway()];
  for (const sessionId of ['ses_1', 'ses_1', 'ses_2']) expect(await takes(holder, tenant, sessionId)).toBe(true);
  const key = viewersOfTenantKey(runtime.namespace, tenant.id);
  const field = `gateway-${names - 1}|ses_1`; // of the holder
  expect(await runtime.redis.hget(key, field)).toBe('2');
  await runtime.redis.zadd(gatewaysOfTenantKey(runtime.namespace, tenant.id), 1, `gateway-${names - 1}`); // as after a freeze
  expect(await takes(holder, tenant, 'ses_2')).toBe(true);
  expect(await runtime.redis.hget(key, field)).toBeNull();
  await pass();
  while ((await runtime.redis.hget(key, field)) !== '2'); // by the renewal
  expect(await takes(other, tenant, 'ses_1')).toBe(false);
});

it('releases a viewer once, and only that one', async () => {
  const tenant = tenantOf(2, 1);
  const quota = openGateway();
  const undo = await quota.take(tenant, 'ses_1');
  expect(await takes(quota, tenant, 'ses_1')).toBe(false);
  expect(await takes(quota, tenant, 'ses_2')).toBe(true);
  undo();
  undo();
  expect(await takes(quota, tenant, 'ses_2')).toBe(false);
  expect(await takes(openGateway(), tenant, 'ses_1')).toBe(true);
  expect(await takes(quota, tenant, 'ses_3')).toBe(false);
});
