/** For tests: sessions that show a code, and a provider that refuses afterwards. */

import type { Instance } from '@qrcast/simulator/instance';
import { expect } from 'vitest';
import type { Cluster, Viewer } from './cluster.ts';

export type RefusalFault = 'empty401' | 'html403' | 'html404';

export interface Refusable {
  readonly instance: Instance;
  readonly viewer: Viewer;
}

export async function showing(cluster: Cluster): Promise<Refusable> {
  const instance = cluster.newInstance();
  const viewer = cluster.view((await cluster.create(instance)).ticket);
  await viewer.until(({ state }) => state === 'showing');
  return { instance, viewer };
}

export const refuse = (instance: Instance, fault: RefusalFault): void => instance.fail('*', fault, { times: 'always' });

/**
 * Ten seconds of refusals end none of `count` sessions that have shown a code. A token that was
 * wrong from the start ends its session with the second refusal.
 */
export async function endsOnlyTheWrong(cluster: Cluster, fault: RefusalFault, count: number): Promise<void> {
  const all = await Promise.all(Array.from({ length: count }, () => showing(cluster)));
  for (const { instance } of all) refuse(instance, fault);
  const wrong = cluster.newInstance();
  refuse(wrong, fault);
  const wrongViewer = cluster.view((await cluster.create(wrong)).ticket);

  expect((await wrongViewer.until(({ state }) => state === 'ended')).end?.reason).toBe('credentials_rejected');
  expect(wrong.requests).toHaveLength(2);
  await Promise.all(all.map(({ viewer }) => viewer.until(({ notice }) => notice?.code === 'provider_refused')));
  // This takes more than ten seconds: the second request comes after 1.1 s, and then one each
  // interval of 1.5 s.
  await Promise.all(all.map(({ instance }) => instance.untilRequests(instance.requests.length + 8)));
  for (const { instance } of all) instance.clearFaults();
  await Promise.all(
    all.map(({ viewer }) => {
      const { version = 0 } = viewer.sessions.at(-1) ?? {};
      return viewer.until((session) => session.version > version && session.state === 'showing' && session.notice === null);
    }),
  );
  expect(all.filter(({ viewer }) => viewer.sessions.some(({ state }) => state === 'ended'))).toEqual([]);
}
