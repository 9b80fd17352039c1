/** The two scripts of viewer-quota.ts, one call each: every rule and limit, and what Redis holds afterwards. */

import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import { openTestRuntime, type TestRuntime } from '@qrcast/runtime/test/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';

const HOUR_MS = 3_600_000;

let runtime: TestRuntime;
let gateways: string;
let counts: string;
let tenants = 0;
/** Now, as the scripts are told. */
let now = 0;

beforeAll(() => {
  runtime = openTestRuntime(inject('redisUrl'));
});
afterAll(() => runtime.close());
beforeEach(() => {
  const tag = `${runtime.namespace}:{${tenants++}}`;
  gateways = `${tag}:gateways`;
  counts = `${tag}:counts`;
  now = Date.now(); // the real time, because Redis expires keys by its own
});

interface Take {
  readonly gateway?: string;
  readonly session?: string;
  readonly until?: number;
  readonly tenantLimit?: number | '';
  readonly sessionLimit?: number | '';
  /** This gateway's viewers of the tenant, and of the session. */
  readonly viewers: readonly [ofTenant: number, ofSession: number];
}

function take({
  gateway = 'a',
  session = 's',
  until = now + HOUR_MS,
  tenantLimit = '',
  sessionLimit = '',
  viewers,
}: Take): Promise<unknown> {
  const script = loadLuaScript(runtime.redis, new URL('./viewer-quota-take-2.lua', import.meta.url));
  return script([gateways, counts], [gateway, now, until, session, tenantLimit, sessionLimit, ...viewers]);
}
const leaseOf = async (gateway: string): Promise<number> => Number(await runtime.redis.zscore(gateways, gateway));
const stored = (): Promise<Record<string, string>> => runtime.redis.hgetall(counts);

describe('viewer-quota-take', () => {
  it('stores the counts of the tenant and of the session under the lease', async () => {
    expect(await take({ viewers: [3, 2] })).toBe(4); // no lease, although there are viewers of another session
    expect(await take({ viewers: [4, 3] })).toBe(1);
    expect(await stored()).toEqual({ a: '4', 'a|s': '3' });
    expect(await leaseOf('a')).toBe(now + HOUR_MS);
  });

  it('does not call counts lost if the gateway had none', async () => {
    expect(await take({ viewers: [1, 1] })).toBe(1);
  });

  it('adds the counts of the other gateways, and admits exactly the limits', async () => {
    expect(await take({ gateway: 'b', viewers: [2, 2] })).toBe(1);
    expect(await take({ gateway: 'c', session: 'other', viewers: [3, 3] })).toBe(1);
    expect(await take({ viewers: [1, 1], tenantLimit: 5 })).toBe(2);
    expect(await take({ viewers: [1, 1], sessionLimit: 2 })).toBe(3);
    expect(await stored()).not.toHaveProperty('a');
    expect(await take({ viewers: [1, 1], tenantLimit: 6, sessionLimit: 3 })).toBe(1);
    expect(await take({ viewers: [1, 1], tenantLimit: 6, sessionLimit: 3 })).toBe(1); // its own counts are replaced, not added
  });

  it('counts nothing for a gateway whose counts were lost', async () => {
    await runtime.redis.zadd(gateways, now + HOUR_MS, 'b');
    expect(await take({ viewers: [1, 1], tenantLimit: 1, sessionLimit: 1 })).toBe(1);
  });

  it('removes gateways whose lease has ended, with their counts alone', async () => {
    await runtime.redis.zadd(gateways, now, 'b', now + 1, 'b2');
    await runtime.redis.hset(counts, { b: 1, 'b|s': 1, b2: 1, 'b2|s': 1 });
    expect(await take({ viewers: [1, 1] })).toBe(1);
    expect(await runtime.redis.zrange(gateways, 0, '-1')).toEqual(['b2', 'a']);
    expect(await stored()).toEqual({ b2: '1', 'b2|s': '1', a: '1', 'a|s': '1' });
  });

  it('removes a count that is 0, and the gateway with its last viewer', async () => {
    await take({ viewers: [1, 1] });
    await take({ session: 'other', viewers: [2, 1] });
    await take({ viewers: [1, 0] });
    expect(await stored()).toEqual({ a: '1', 'a|other': '1' });
    await take({ session: 'other', viewers: [0, 0] });
    expect(await runtime.redis.exists(gateways, counts)).toBe(0);
  });

  it('never shortens a lease, and keeps what it stores until the last lease ends', async () => {
    const [soon, late] = [now + HOUR_MS, now + 2 * HOUR_MS];
    const kept = (): Promise<number[]> => Promise.all([gateways, counts].map((key) => runtime.redis.pexpiretime(key)));
    await take({ until: soon, viewers: [1, 1] });
    expect(await kept()).toEqual([soon, soon]);
    await take({ until: late, viewers: [2, 2] });
    expect(await kept()).toEqual([late, late]);
    await take({ until: soon, viewers: [1, 1] });
    expect(await kept()).toEqual([late, late]);
    expect(await leaseOf('a')).toBe(late);
  });
});

describe('viewer-quota-renew', () => {
  function renew(count: number, until: number): Promise<unknown> {
    const script = loadLuaScript(runtime.redis, new URL('./viewer-quota-renew-2.lua', import.meta.url));
    return script([gateways, counts], ['a', until, count]);
  }

  it('renews the lease, and keeps what is stored as long', async () => {
    const late = now + 2 * HOUR_MS;
    await take({ viewers: [1, 1] });
    expect(await renew(1, late)).toBe(1);
    expect([await leaseOf('a'), await runtime.redis.pexpiretime(gateways), await runtime.redis.pexpiretime(counts)]).toEqual([
      late,
      late,
      late,
    ]);
  });

  it("does not shorten what another gateway's longer lease keeps", async () => {
    const late = now + 2 * HOUR_MS;
    await take({ viewers: [1, 1] });
    await take({ gateway: 'b', until: late, viewers: [1, 1] });
    expect(await renew(1, now + HOUR_MS)).toBe(1);
    expect([await runtime.redis.pexpiretime(gateways), await runtime.redis.pexpiretime(counts)]).toEqual([late, late]);
  });

  it('renews nothing if the lease or the count was lost, and answers 0', async () => {
    await take({ viewers: [1, 1] });
    expect(await renew(2, now + 2 * HOUR_MS)).toBe(0);
    expect(await leaseOf('a')).toBe(now + HOUR_MS);
    await runtime.redis.zrem(gateways, 'a');
    expect(await renew(1, now + 2 * HOUR_MS)).toBe(0);
    expect(await runtime.redis.zscore(gateways, 'a')).toBeNull();
  });
});
