/**
 * A whole worker, and a host that keeps its requests waiting; a tenant with thousands of them is in
 * hostile-tenant.redis.release.test.ts.
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import { afterEach, describe, expect, it } from 'vitest';
import { closeHosts, open, openSilentHost, openSystem } from '../../test/hostile-hosts.ts';

const HOST_CONCURRENCY = 10;

afterEach(closeHosts);

describe('a host', () => {
  it('has as many connections as it may have at most, and who waits is told so and when it is asked', async () => {
    const system = await openSystem();
    const silent = await openSilentHost();
    const sessions = (await Promise.all(['a', 'b', 'c'].map((tenantId) => system.watch(tenantId, [silent.url], 20)))).flat();
    /** How long after its claim each of those that wait is asked again, ms. */
    const told = new Map<string, number>();
    const allTold = Promise.withResolvers<void>();
    for (const { id } of sessions) {
      const watch = system.node.sessions.watch(id, ({ session }) => {
        if (session.state.kind !== 'waiting' || session.state.notice?.code !== 'rate_limited') return;
        told.set(id, session.state.notice.retryAt - session.fence);
        if (told.size === sessions.length - HOST_CONCURRENCY) allTold.resolve();
      });
      open.push({ close: async () => watch.close() });
      await watch.first;
    }
    await system.startWorker([silent.url], HOST_CONCURRENCY);
    await silent.untilOpen(HOST_CONCURRENCY - 1); // the last place may be kept for a fourth tenant
    await allTold.promise;
    expect(silent.most()).toBeLessThanOrEqual(HOST_CONCURRENCY);
    expect(Math.min(...told.values())).toBeGreaterThanOrEqual(MIN_SPACING_MS);
  });
});
