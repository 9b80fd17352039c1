/**
 * A whole worker, and a host that holds its requests. hostile-tenant.redis.release.test.ts has a
 * tenant with thousands of them.
 */

import { MIN_SPACING_MS } from '@qrcast/core/schedule';
import { afterEach, describe, expect, it } from 'vitest';
import { closeHosts, open, openSilentHost, openSystem } from '../../test/hostile-hosts.ts';

const HOST_CONCURRENCY = 10;

afterEach(closeHosts);

describe('a host', () => {
  it('never has more connections than allowed, and waiting viewers get a notice with the next try', async () => {
    const system = await openSystem();
    const silent = await openSilentHost();
    const sessions = (await Promise.all(['a', 'b', 'c'].map((tenantId) => system.watch(tenantId, [silent.url], 20)))).flat();
    /** How long after its claim each waiting session is asked again, ms. */
    const told = new Map<string, number>();
    const allTold = Promise.withResolvers<void>();
    for (const { id } of sessions) {
      const watch = system.node.sessions.watch(id, async () => {
        const session = await system.node.sessions.find(id);
        if (session?.state.kind !== 'waiting' || session.state.notice?.code !== 'rate_limited') return;
        told.set(id, session.state.notice.retryAt - session.fence);
        if (told.size === sessions.length - HOST_CONCURRENCY) allTold.resolve();
      });
      open.push({ close: async () => watch.close() });
      await watch.first;
    }
    await system.startWorker([silent.url], HOST_CONCURRENCY);
    await silent.untilOpen(HOST_CONCURRENCY - 1); // the last slot may be kept for a fourth tenant
    await allTold.promise;
    expect(silent.most()).toBeLessThanOrEqual(HOST_CONCURRENCY);
    expect(Math.min(...told.values())).toBeGreaterThanOrEqual(MIN_SPACING_MS);
  });
});
