import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_TENANT_LIMITS } from '@qrcast/core/tenant-limits';
import { gatewaysOfTenantKey, placesOfTenantKey } from '@qrcast/runtime/keys';
import { openTestRuntime } from '@qrcast/runtime/test-runtime';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { createLimitOf } from './tenant-limits.ts';
import { openViewerPlaces, type ViewerPlaces } from './viewer-places.ts';

const LEASE_MS = 600;

let runtime: ReturnType<typeof openTestRuntime>;
const opened: ViewerPlaces[] = [];
beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
afterEach(() => opened.splice(0).forEach((places) => void places.close()));

let names = 0;
/** `close` is its death, as far as Redis knows: its lease is not renewed, and nothing is given back. */
function openGateway(): ViewerPlaces {
  const places = openViewerPlaces({
    ...runtime,
    clock: { now: () => Date.now() },
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
  const diedAt = performance.now();
  while (!(await takes(alive, tenant))) await delay(20);
  expect(performance.now() - diedAt).toBeLessThan(LEASE_MS + 400);
  expect(await takes(alive, tenant)).toBe(true);
  expect(await takes(alive, tenant)).toBe(false);
  await delay(LEASE_MS * 1.5); // its lease would be over, too
  expect(await takes(openGateway(), tenant)).toBe(false);
});

it('a lease that Redis lost is noted anew', async () => {
  const tenant = tenantOf(2);
  const [holder, other] = [openGateway(), openGateway()];
  for (const places of [holder, holder]) expect(await takes(places, tenant)).toBe(true);
  await runtime.redis.del(...(await runtime.redis.keys(`${runtime.namespace}:{tenant:${tenant.id}}:*`)));
  while ((await runtime.redis.keys(`${runtime.namespace}:{tenant:${tenant.id}}:*`)).length === 0) await delay(20);
  expect(await takes(other, tenant)).toBe(false);
});

it('a lease that ended is noted anew though a viewer came before its renewal', async () => {
  const tenant = tenantOf(4);
  const [holder, other] = [openGateway(), openGateway()];
  for (const sessionId of ['ses_1', 'ses_1', 'ses_2']) expect(await takes(holder, tenant, sessionId)).toBe(true);
  const key = placesOfTenantKey(runtime.namespace, tenant.id);
  const field = `gateway-${names - 1}|ses_1`; // of the holder
  expect(await runtime.redis.hget(key, field)).toBe('2');
  await runtime.redis.zadd(gatewaysOfTenantKey(runtime.namespace, tenant.id), 1, `gateway-${names - 1}`); // as after a freeze
  expect(await takes(holder, tenant, 'ses_2')).toBe(true);
  expect(await runtime.redis.hget(key, field)).toBeNull();
  await delay(LEASE_MS);
  expect(await runtime.redis.hget(key, field)).toBe('2');
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
