import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { HOUR_MS } from '@qrcast/core/statistics';
import { MINUTE_MS } from '@qrcast/core/weather';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { openTestRuntime, sampleSession, type TestRuntime } from '../../test/runtime.ts';
import { formerTenantsKey, statisticsKey, tenantStatisticsKey } from '../redis/keys.ts';
import { openRedisSessions } from '../sessions/sessions-redis.ts';
import { createStatisticsCount, createStatisticsReader } from './statistics.ts';
import { openSums, type Sums } from './sums.ts';
import { createWeatherCount, createWeatherReader } from './weather.ts';

/** The middle of an hour and of a minute, near to now because Redis ends what is old. */
const T = Math.floor(Date.now() / HOUR_MS) * HOUR_MS + HOUR_MS / 2 + MINUTE_MS / 2;

let runtime: TestRuntime;
let sums: Sums;
let now = T;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(() => {
  now = T;
  sums = openSums({ ...runtime, writeAfterMs: 3_600_000 });
});

const clock = { now: () => now };
const reader = () => createStatisticsReader({ ...runtime, clock });

it('the steps of a login are counted for its tenant and for all', async () => {
  const countSteps = createStatisticsCount({ ...runtime, sums });
  const sessions = openRedisSessions({ ...runtime, policy: DEFAULT_POLICY, countSteps });
  const [one, other] = [sampleSession({ tenantId: 'one' }, T), sampleSession({ tenantId: 'other' }, T)];
  for (const session of [one, other]) {
    await sessions.create(session, 'sealed');
    await sessions.apply(session.id, { kind: 'watched', at: T });
  }
  const answered = { kind: 'answered', at: T + 700, startedAt: T + 1, jitter: 0 } as const;
  await sessions.apply(one.id, { ...answered, outcome: { kind: 'code', digest: 'a', image: 'data:image/png;base64,AAAA', text: null } });
  await sessions.apply(other.id, { kind: 'unwatched', at: T + 800 });
  await sessions.close();
  await sums.close();
  const [all, ofOne, ofOther] = await Promise.all([null, 'one', 'other'].map((tenantId) => reader().read(tenantId, 1)));
  expect(all?.hours).toMatchObject([
    { startsAt: T - (T % HOUR_MS), attempts: 2, steps: { watched: 2, code_shown: 1 }, ends: { unwatched: 1 } },
  ]);
  expect(ofOne?.hours).toMatchObject([{ attempts: 1, steps: { code_shown: 1 }, ends: {}, firstCode: [0, 0, 0, 1, ...Array(8).fill(0)] }]);
  expect(ofOther?.hours).toMatchObject([{ attempts: 1, steps: { code_shown: 0 }, ends: { unwatched: 1 } }]);
});

it('every hour of the span is there, the current one last', async () => {
  const count = createStatisticsCount({ ...runtime, sums });
  for (const hoursAgo of [0, 0, 2, 3]) count('spans', [{ step: 'watched' }], T - hoursAgo * HOUR_MS);
  await sums.close();
  const { hours } = await reader().read('spans', 3);
  expect(hours.map(({ startsAt, attempts }) => [startsAt, attempts])).toEqual(
    [2, 1, 0].map((n) => [T - (T % HOUR_MS) - n * HOUR_MS, n === 0 ? 2 : n === 2 ? 1 : 0]),
  );
  expect((await reader().read('spans', 168)).hours.length).toBe(168);
});

it('hours of a deleted tenant are deleted, also what is counted afterwards, and its share of the whole stays', async () => {
  const count = createStatisticsCount({ ...runtime, sums });
  for (const hoursAgo of [0, 100, 168]) count('gone', [{ step: 'watched' }], T - hoursAgo * HOUR_MS);
  await sums.close();
  await runtime.redis.sadd(formerTenantsKey(runtime.namespace), 'gone');
  await reader().forgetTenant('gone');
  const late = openSums({ ...runtime, writeAfterMs: 3_600_000 });
  createStatisticsCount({ ...runtime, sums: late })('gone', [{ step: 'ended', reason: 'cancelled' }], T);
  await late.close();
  const keys = [0, 100, 168].map((hoursAgo) => tenantStatisticsKey(runtime.namespace, 'gone', Math.floor(T / HOUR_MS) - hoursAgo));
  expect(await Promise.all(keys.map((key) => runtime.redis.exists(key)))).toEqual([0, 0, 0]);
  expect(await runtime.redis.hget(statisticsKey(runtime.namespace, Math.floor(T / HOUR_MS)), 'end:cancelled')).toBe('1');
});

it('the weather tells the minutes with requests of each host', async () => {
  const count = createWeatherCount({ ...runtime, sums, clock });
  const read = createWeatherReader({ ...runtime, clock });
  for (let n = 0; n < 5; n++) count('a.example', 'code', 3_000);
  now = T + 2 * MINUTE_MS;
  count('a.example', 'provider_timeout', 65_000);
  count('b.example', 'notAuthorized', 40);
  await sums.close();
  const startsAt = T - (T % MINUTE_MS);
  expect((await read(60)).hosts).toMatchObject([
    {
      host: 'a.example',
      state: 'slow',
      minutes: [
        { startsAt, requests: 5, outcomes: { code: 5 } },
        { startsAt: startsAt + 2 * MINUTE_MS, outcomes: { provider_timeout: 1 } },
      ],
    },
    { host: 'b.example', state: 'fine', minutes: [{ requests: 1 }] },
  ]);
  expect((await read(2)).hosts.map(({ host, minutes }) => [host, minutes.length])).toEqual([
    ['a.example', 1],
    ['b.example', 1],
  ]);
});
