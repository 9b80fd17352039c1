import { DEFAULT_TENANT_LIMITS } from '@qrcast/core/tenant-limits';
import { gatewaysOfTenantKey, viewersOfTenantKey } from '@qrcast/runtime/redis/keys';
import { openTestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it, vi } from 'vitest';
import { createLimitOf } from './tenant-limits.ts';
import { openViewerPlaces, type ViewerPlaces } from './viewer-quota.ts';

const LEASE_MS = 600;
const RENEW_EVERY_MS = LEASE_MS / 3;

let runtime: ReturnType<typeof openTestRuntime>;
const opened: ViewerPlaces[] = [];
beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());

/** The clock and the renewals of all gateways go on by `pass` alone. */
let nowMs = 0;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  nowMs = Date.now(); // not another time: Redis forgets keys by its own
});
afterEach(() => {
  for (const places of opened.splice(0)) places.close();
  vi.useRealTimers();
});

/** To the next renewal of each lease, and until Redis has it. */
async function pass(): Promise<void> {
  nowMs += RENEW_EVERY_MS;
  vi.advanceTimersByTime(RENEW_EVERY_MS);
  await runtime.redis.ping(); // behind the renewals on the same connection
}

let names = 0;
/** `close` is its death, as far as Redis knows: its lease is not renewed, and nothing is given back. */
function openGateway(): ViewerPlaces {
  const places = openViewerPlaces({
    ...runtime,
    clock: { now: () => nowMs },
    gatewayId: `gateway-${++names}`,
    lastsMs: LEASE_MS,
    limitOf: createLimitOf(DEFAULT_TENANT_LIMITS),
  });
  opened.push(places);
  return places;
}
const tenantOf = (viewers: number, viewersPerSession = 100) => ({ id: `acme-${++names}`, limits: { viewers, viewersPerSession } });

const takes = (places: ViewerPlaces, tenant: ReturnType<typeof tenantOf>, sessionId = 'ses_1'): Promise<boolean> =>
  places.take(tenant, sessionId).then(
    () => true,
    () => false,
  );

it('all at once, two gateways take exactly as many as there are', async () => {
  const tenant = tenantOf(7);
  const gateways = [openGateway(), openGateway()];
  const taken = await Promise.all(Array.from({ length: 40 }, (_, i) => takes(gateways[i % 2] as ViewerPlaces, tenant, `ses_${i % 3}`)));
  expect(taken.filter(Boolean)).toHaveLength(7);
});

it('the places of a gateway that died are free when its lease is over; those of one that lives are not', async () => {
  const tenant = tenantOf(4);
  const [dead, alive] = [openGateway(), openGateway()];
  for (const places of [dead, dead, alive, alive]) expect(await takes(places, tenant)).toBe(true);
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

it('a lease that Redis lost is noted anew', async () => {
  const tenant = tenantOf(2);
  const [holder, other] = [openGateway(), openGateway()];
  for (const places of [holder, holder]) expect(await takes(places, tenant)).toBe(true);
  await runtime.redis.del(...(await runtime.redis.keys(`${runtime.namespace}:{tenant:${tenant.id}}:*`)));
  await pass();
  while ((await runtime.redis.keys(`${runtime.namespace}:{tenant:${tenant.id}}:*`)).length < 2);
  expect(await takes(other, tenant)).toBe(false);
});

it('a lease that ended is noted anew though a viewer came before its renewal', async () => {
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

it('a place is given back once, and only its own', async () => {
  const tenant = tenantOf(2, 1);
  const places = openGateway();
  const undo = await places.take(tenant, 'ses_1');
  expect(await takes(places, tenant, 'ses_1')).toBe(false);
  expect(await takes(places, tenant, 'ses_2')).toBe(true);
  undo();
  undo();
  expect(await takes(places, tenant, 'ses_2')).toBe(false);
  expect(await takes(openGateway(), tenant, 'ses_1')).toBe(true);
  expect(await takes(places, tenant, 'ses_3')).toBe(false);
});
