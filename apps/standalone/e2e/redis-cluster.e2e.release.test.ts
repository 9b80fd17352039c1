/** A gateway and a worker as processes of their own on a Redis Cluster that changes while viewers watch. */

import { sessionKey } from '@qrcast/runtime/redis/keys';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { type ClusterStage, openClusterStage } from '@qrcast/runtime/test/cluster-stage';
import { signal } from '@qrcast/runtime/test/sentinel-stage';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clusterUserRule } from '../test/redis-user.ts';
import { openWatchedLogin } from '../test/watched-login.ts';

let releasers: Releasers;
beforeEach(() => {
  releasers = createReleasers();
});
afterEach(() => releasers.release());

const replaced = async (cluster: ClusterStage, key: string, fail: (pid: number) => void): Promise<void> => {
  const { port } = await cluster.masterOf(key);
  fail(cluster.pidOf(port));
  await cluster.replaced(port);
};

it.each<[string, (cluster: ClusterStage, key: string) => Promise<void>]>([
  ['the master of its slot is killed', (cluster, key) => replaced(cluster, key, (pid) => signal(pid, 'SIGKILL'))],
  ['the master of its slot is frozen', (cluster, key) => replaced(cluster, key, (pid) => signal(pid, 'SIGSTOP'))],
  ['a replica takes its slot', async (cluster, key) => cluster.failover((await cluster.masterOf(key)).port)],
  ['its slot moves', (cluster, key) => cluster.moveSlot(key)],
  ['the slot of the queue moves', (cluster) => cluster.moveSlot('{qrcast}')],
])('viewers learn of the login of a session after %s', async (_case, change) => {
  const cluster = await openClusterStage();
  releasers.push('cluster', () => cluster.close());
  const { sessionId, finish, outputs } = await openWatchedLogin(cluster.url, releasers);
  await change(cluster, sessionKey('qrcast', sessionId));
  await finish();
  for (const output of outputs()) expect(output).not.toContain(cluster.password);
});

it('a user with the rule of OPERATING.md is enough, over TLS, before and after a failover', async () => {
  const cluster = await openClusterStage({ tls: true });
  releasers.push('cluster', () => cluster.close());
  for (const port of cluster.ports) await cluster.admin(port).call('ACL', 'SETUSER', ...clusterUserRule('of-user'));
  const url = cluster.url.replace(`:${cluster.password}@`, 'qrcast:of-user@');
  const { sessionId, finish, outputs } = await openWatchedLogin(url, releasers, { QRCAST_REDIS_CA: cluster.caFile ?? '' });
  await cluster.failover((await cluster.masterOf(sessionKey('qrcast', sessionId))).port);
  await finish();
  for (const output of outputs()) expect(output).not.toMatch(/of-user|NOPERM/);
});
