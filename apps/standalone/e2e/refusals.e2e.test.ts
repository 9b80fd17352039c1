/**
 * Short refusals of a provider that works otherwise. The longer ones are in
 * refusals.e2e.release.test.ts.
 */

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Cluster, openCluster } from '../test/cluster.ts';
import { endsOnlyTheWrong } from '../test/refusals.ts';

describe('refusals', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await openCluster({ redisUrl: inject('redisUrl') });
  });
  afterAll(() => cluster.close());

  it('of 20 instances that showed a code end none, but the second one ends a token that was wrong from the start', () =>
    endsOnlyTheWrong(cluster, 'html404', 20));

  it('of a new instance as "expired" end its session resumably, and a resume polls it again', async () => {
    const instance = cluster.newInstance();
    instance.fail('*', 'expired400', { times: 2 });
    const { session, ticket } = await cluster.create(instance);
    const viewer = cluster.view(ticket);
    expect((await viewer.until(({ state }) => state === 'ended')).end).toEqual({ reason: 'instance_expired', resumable: true });
    expect(await viewer.socket.emitWithAck('resume', { sessionId: session.id })).toEqual({ ok: true });
    await viewer.until(({ state }) => state === 'showing');
  });
});
