/**
 * A whole worker, a tenant with thousands of sessions at hosts that hold requests, and a neighbour
 * that must not notice.
 */

import { afterEach, describe, expect, it } from 'vitest';
import {
  CONCURRENCY,
  closeHosts,
  openGarbageHost,
  openHealthyHost,
  openSilentHost,
  openSystem,
  refusingUrl,
} from '../../test/hostile-hosts.ts';

const HOSTILE = 2_100;
const HEALTHY = 50;
/** How often the session is polled whose polls measure the time. */
const ROUNDS = 6;

afterEach(closeHosts);

/**
 * How often each of the neighbour's sessions is polled while a third tenant's one session is polled
 * `ROUNDS` times.
 */
async function pollBeside(neighbour: string): Promise<number[]> {
  const system = await openSystem();
  const [silent, garbage, healthy] = [await openSilentHost(), await openGarbageHost(), await openHealthyHost()];
  const hostileUrls = [silent.url, garbage.url, await refusingUrl()];
  await system.watch('hostile', hostileUrls, HOSTILE);
  const [first] = await system.watch('clock', [healthy.url], 1);
  if (first === undefined) throw new Error('there is no session to measure by');
  await system.startWorker([...hostileUrls, healthy.url], CONCURRENCY);
  await healthy.untilAsked(first.instanceId, 2); // every shard has run its tick
  const sessions = await system.watch(neighbour, [healthy.url], HEALTHY);
  await healthy.untilAsked(first.instanceId, 2 + ROUNDS);
  return sessions.map(({ instanceId }) => healthy.times(instanceId));
}

describe('a tenant with thousands of sessions at hosts that are silent, refuse or drip garbage', () => {
  it('does not keep another tenant from being polled at every interval', async () => {
    expect(Math.min(...(await pollBeside('neighbour')))).toBeGreaterThanOrEqual(ROUNDS - 2);
  });

  it('does delay its own other sessions (twin: the neighbour is the same tenant)', async () => {
    expect(Math.min(...(await pollBeside('hostile')))).toBeLessThan(ROUNDS - 2);
  });
});
