/** The statistics of logins and the weather of the provider, as a tenant and the operator read them. */

import { HOUR_MS, type Statistics, statisticsSchema } from '@qrcast/core/statistics';
import { type Weather, weatherSchema } from '@qrcast/core/weather';
import { tenantStatisticsKey } from '@qrcast/runtime/redis/keys';
import { createWeatherCount } from '@qrcast/runtime/statistics/weather';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, imageOf, openTestGateway, type TestGateway, type TestTenant } from '../../test/gateway.ts';

let test: TestGateway;
beforeAll(async () => {
  test = await openTestGateway();
});
afterAll(() => test.close());

async function statisticsOf(path: string, secret: string): Promise<Statistics> {
  const { status, body } = await test.call('GET', path, { secret });
  expect(status).toBe(200);
  return statisticsSchema.parse(body);
}

async function logIn(tenant: TestTenant): Promise<void> {
  const { session } = await test.create({}, tenant);
  await test.call('GET', `/v1/sessions/${session.id}`, { secret: tenant.apiKey });
  await test.answer(session.id, { kind: 'code', digest: 'one', image: imageOf('iVBORw0KGgo='), text: null });
  await test.answer(session.id, { kind: 'authorized', account: { wid: null, phone: '79990000000' } });
}

/** All hours together: the test may run over the end of one. */
const sumOf = ({ hours }: Statistics, of: (hour: Statistics['hours'][number]) => number): number =>
  hours.reduce((all, hour) => all + of(hour), 0);
const figures = (statistics: Statistics) => ({
  attempts: sumOf(statistics, ({ attempts }) => attempts),
  shown: sumOf(statistics, ({ steps }) => steps.code_shown),
  connected: sumOf(statistics, ({ steps }) => steps.connected),
  firstCodes: sumOf(statistics, ({ firstCode }) => firstCode.reduce((all, one) => all + one, 0)),
});

describe('statistics', () => {
  it('tell a tenant of its logins, and the operator of those of one tenant and of all', async () => {
    const tenant = await test.newTenant();
    await logIn(tenant);
    await logIn(test.tenant);
    const one = { attempts: 1, shown: 1, connected: 1, firstCodes: 1 };
    await expect.poll(async () => figures(await statisticsOf('/v1/statistics?hours=2', tenant.apiKey))).toEqual(one);
    expect(figures(await statisticsOf(`/v1/admin/statistics?tenantId=${tenant.id}`, ADMIN_KEY))).toEqual(one);
    await expect.poll(async () => figures(await statisticsOf('/v1/admin/statistics', ADMIN_KEY)).connected).toBeGreaterThanOrEqual(2);
  });

  it('have every hour of the span, the current one last', async () => {
    for (const [query, number] of [
      ['', 24],
      ['?hours=1', 1],
      ['?hours=168', 168],
    ] as const) {
      const { hours } = await statisticsOf(`/v1/statistics${query}`, test.tenant.apiKey);
      expect(hours.length).toBe(number);
      const last = hours.at(-1)?.startsAt ?? 0;
      expect(last % HOUR_MS).toBe(0);
      expect(hours.map(({ startsAt }) => startsAt)).toEqual(hours.map((_hour, n) => last - (number - 1 - n) * HOUR_MS));
    }
  });

  it('end with their tenant', async () => {
    const tenant = await test.newTenant();
    await logIn(tenant);
    await expect.poll(async () => figures(await statisticsOf('/v1/statistics', tenant.apiKey)).connected).toBe(1);
    expect((await test.call('DELETE', `/v1/admin/tenants/${tenant.id}`, { secret: ADMIN_KEY })).status).toBe(204);
    expect(figures(await statisticsOf(`/v1/admin/statistics?tenantId=${tenant.id}`, ADMIN_KEY))).toMatchObject({ attempts: 0 });
  });

  it('are there although an hour cannot be read', async () => {
    const tenant = await test.newTenant();
    await test.node.redis.set(tenantStatisticsKey(test.namespace, tenant.id, Math.floor(Date.now() / HOUR_MS)), 'text', 'PX', 60_000);
    expect(figures(await statisticsOf('/v1/statistics', tenant.apiKey))).toMatchObject({ attempts: 0 });
  });
});

it('the weather tells the operator how each host answered', async () => {
  const count = createWeatherCount({ ...test.node, namespace: test.namespace });
  for (let n = 0; n < 5; n++) count('1101.api.green-api.com', 'provider_timeout', 65_000);
  const weather = async (): Promise<Weather> =>
    weatherSchema.parse((await test.call('GET', '/v1/admin/weather?minutes=5', { secret: ADMIN_KEY })).body);
  const requests = ({ minutes }: Weather['hosts'][number]) => minutes.reduce((all, minute) => all + minute.requests, 0);
  await expect
    .poll(async () => (await weather()).hosts.map((host) => [host.host, requests(host)]))
    .toEqual([['1101.api.green-api.com', 5]]);
});

it.each([
  ['/v1/statistics?hours=0', 'hours'],
  ['/v1/statistics?hours=169', 'hours'],
  ['/v1/statistics?hours=many', 'hours'],
  ['/v1/statistics?tenantId=other', 'tenantId'],
  ['/v1/admin/statistics?hours=169', 'hours'],
  ['/v1/admin/weather?minutes=181', 'minutes'],
  ['/v1/admin/weather?minutes=0', 'minutes'],
])('a span that is not kept is refused in words: %s', async (path, field) => {
  const secret = path.includes('admin') ? ADMIN_KEY : test.tenant.apiKey;
  const { status, body } = await test.call('GET', path, { secret });
  expect([status, body.code]).toEqual([400, 'invalid_request']);
  expect(body.detail).toContain(field);
});

it('tickets and other keys read neither', async () => {
  const { ticket } = await test.create();
  expect((await test.call('GET', '/v1/statistics', { secret: ticket })).status).toBe(403);
  for (const path of ['/v1/admin/statistics', '/v1/admin/weather']) expect((await test.call('GET', path)).status).toBe(401);
});
