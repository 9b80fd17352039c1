/** Short refusals of a provider that is well otherwise, and refusals that are meant. */

import type { Instance } from '@qrcast/simulator/instance';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { type Cluster, openCluster, type Viewer } from './test-cluster.ts';

const PATIENCE = 120_000;
const SESSIONS = 20;

describe('refusals', () => {
  let cluster: Cluster;
  afterEach(() => cluster.close());

  async function showing(): Promise<{ instance: Instance; viewer: Viewer }> {
    const instance = cluster.newInstance();
    const viewer = cluster.view((await cluster.create(instance)).ticket);
    await viewer.until(({ state }) => state === 'showing');
    return { instance, viewer };
  }
  const refuse = (instance: Instance, fault: 'empty401' | 'html403' | 'html404'): void => instance.fail('*', fault, { times: 'always' });

  it.each(['empty401', 'html403', 'html404'] as const)(
    '%s: ten seconds of it end none of 20 sessions that showed a code; a token that was wrong from the start ends within seconds',
    async (fault) => {
      cluster = await openCluster({ redisUrl: inject('redisUrl') });
      const all = await Promise.all(Array.from({ length: SESSIONS }, showing));
      for (const { instance } of all) refuse(instance, fault);
      const wrong = cluster.newInstance();
      refuse(wrong, fault);
      const wrongViewer = cluster.view((await cluster.create(wrong)).ticket);

      expect((await wrongViewer.until(({ state }) => state === 'ended')).end?.reason).toBe('credentials_rejected');
      expect(wrong.requests).toHaveLength(2);
      await Promise.all(all.map(({ viewer }) => viewer.until(({ notice }) => notice?.code === 'provider_refused')));
      // Ten seconds and more: the first refusal is followed up after 1.1 s, then one comes each interval of 1.5 s.
      await Promise.all(all.map(({ instance }) => instance.untilRequests(instance.requests.length + 8)));
      for (const { instance } of all) instance.clearFaults();
      await Promise.all(
        all.map(({ viewer }) => {
          const { version = 0 } = viewer.sessions.at(-1) ?? {};
          return viewer.until((session) => session.version > version && session.state === 'showing' && session.notice === null);
        }),
      );
      expect(all.filter(({ viewer }) => viewer.sessions.some(({ state }) => state === 'ended'))).toEqual([]);
    },
    PATIENCE,
  );

  it('that last for a minute end one instance of a host whose others are well', async () => {
    cluster = await openCluster({ redisUrl: inject('redisUrl'), policy: { intervalMs: 3_000, attemptMs: 180_000 } });
    const [ill, ...well] = await Promise.all(Array.from({ length: 8 }, showing));
    if (ill === undefined) throw new Error('expected a session');
    refuse(ill.instance, 'html404');
    expect((await ill.viewer.until(({ state }) => state === 'ended')).end?.reason).toBe('credentials_rejected');
    const refused = ill.instance.requests.filter(({ status }) => status === 404);
    const lasted = (refused.at(-1)?.startedAt ?? 0) - (refused[0]?.startedAt ?? 0);
    expect(lasted).toBeGreaterThan(58_000);
    expect(well.filter(({ viewer }) => viewer.sessions.some(({ state }) => state === 'ended'))).toEqual([]);
  }, 240_000);

  it(
    'an instance that is new says "expired", ends resumably, and is polled again by a resume',
    async () => {
      cluster = await openCluster({ redisUrl: inject('redisUrl') });
      const instance = cluster.newInstance();
      instance.fail('*', 'expired400', { times: 2 });
      const { session, ticket } = await cluster.create(instance);
      const viewer = cluster.view(ticket);
      expect((await viewer.until(({ state }) => state === 'ended')).end).toEqual({ reason: 'instance_expired', resumable: true });
      expect(await viewer.socket.emitWithAck('resume', { sessionId: session.id })).toEqual({ ok: true });
      await viewer.until(({ state }) => state === 'showing');
    },
    PATIENCE,
  );
});
