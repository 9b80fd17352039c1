/** Refusals of every kind, for a few and for many instances, and one refusal that is final. */

import { REFUSED_UNTIL_END_MS } from '@qrcast/core/schedule';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { endsOnlyTheWrong, refuse, showing } from '../test/refusals.ts';

describe('refusals', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  it.each([
    ['empty401', 20],
    ['html403', 20],
    ['html404', 1],
    ['empty401', 1],
  ] as const)('%s: ten seconds of it end none of %i sessions that showed a code', async (fault, count) => {
    cluster = await openCluster({ redisUrl: inject('redisUrl') });
    await endsOnlyTheWrong(cluster, fault, count);
  });

  it('that last for a minute end the session of one instance if the others of its host work', async () => {
    cluster = await openCluster({ redisUrl: inject('redisUrl'), policy: { intervalMs: 3_000 } });
    const [ill, ...well] = await Promise.all(Array.from({ length: 8 }, () => showing(cluster)));
    if (ill === undefined) throw new Error('expected a session');
    refuse(ill.instance, 'html404');
    expect((await ill.viewer.until(({ state }) => state === 'ended')).end?.reason).toBe('credentials_rejected');
    const refused = ill.instance.requests.filter(({ status }) => status === 404);
    const lasted = (refused.at(-1)?.startedAt ?? 0) - (refused[0]?.startedAt ?? 0);
    expect(lasted).toBeGreaterThan(REFUSED_UNTIL_END_MS - 2_000); // counted from the first answer, on another clock
    expect(well.filter(({ viewer }) => viewer.sessions.some(({ state }) => state === 'ended'))).toEqual([]);
  });

  it('that last for more than a minute end no session if the host refuses all instances', async () => {
    cluster = await openCluster({ redisUrl: inject('redisUrl'), policy: { intervalMs: 3_000 } });
    const all = await Promise.all(Array.from({ length: 8 }, () => showing(cluster)));
    for (const { instance } of all) refuse(instance, 'html404');
    const rounds = Math.ceil((REFUSED_UNTIL_END_MS * 1.3) / 3_000);
    await Promise.all(all.map(({ instance }) => instance.untilRequests(instance.requests.length + rounds)));
    expect(all.filter(({ viewer }) => viewer.sessions.some(({ state }) => state === 'ended'))).toEqual([]);
  });
});
