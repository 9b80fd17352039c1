/** What happens to a Redis Cluster while sessions are watched. The cases share it and follow one another. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterStage, openClusterStage } from '../../test/cluster-stage.ts';
import { openSentinelNode, QUICK, type SentinelNode } from '../../test/sentinel-node.ts';
import { signal } from '../../test/sentinel-stage.ts';
import { type WatchedSessions, watchSessions } from '../../test/watched-sessions.ts';
import { sessionKey } from './keys.ts';

const NAMESPACE = 'test-faults';

let stage: ClusterStage;
let writer: SentinelNode;
let reader: SentinelNode;
let watched: WatchedSessions;
beforeAll(async () => {
  stage = await openClusterStage();
  const installation = { namespace: NAMESPACE, polled: new Set<string>() };
  writer = await openSentinelNode(stage, QUICK, installation);
  reader = await openSentinelNode(stage, QUICK, installation);
  watched = await watchSessions(writer.node, reader.node, 30);
});
afterAll(async () => {
  watched.close();
  await Promise.all([writer.close(), reader.close()]);
  await stage.close();
});

const masterOf = async (id = ''): Promise<number> => (await stage.masterOf(sessionKey(NAMESPACE, id))).port;

describe('every watcher is told every newest state', () => {
  it('while nothing happens', async () => {
    await watched.rotate();
  });

  it('while the slots of its session move', async () => {
    for (const id of watched.ids.slice(0, 5)) {
      const before = await masterOf(id);
      await Promise.all([stage.moveSlot(sessionKey(NAMESPACE, id)), watched.rotate([id])]);
      await watched.rotate([id]);
      expect(await masterOf(id)).not.toBe(before);
    }
    await watched.rotate();
  });

  it('while a node is added, and gets slots and leaves them again', async () => {
    const port = await stage.addNode();
    const some = watched.ids.slice(0, 5);
    for (const id of some) {
      await Promise.all([stage.moveSlot(sessionKey(NAMESPACE, id), port), watched.rotate([id])]);
      expect(await masterOf(id)).toBe(port);
    }
    await watched.rotate();
    await Promise.all([writer.works(), reader.works()]);
    for (const id of some) await Promise.all([stage.moveSlot(sessionKey(NAMESPACE, id)), watched.rotate([id])]);
    await watched.rotate();
  });

  it('while masters are replaced that go on as replicas', async () => {
    for (const { port } of await stage.masters()) {
      await Promise.all([stage.failover(port), watched.rotate()]);
      await watched.rotate();
    }
    await Promise.all([writer.works(), reader.works()]);
  });

  it('after a master has frozen', async () => {
    const port = await masterOf(watched.ids[0]);
    signal(stage.pidOf(port), 'SIGSTOP');
    await Promise.all([stage.replaced(port), watched.rotate()]);
    signal(stage.pidOf(port), 'SIGCONT');
    await Promise.all([writer.works(), reader.works()]);
    await watched.rotate();
  });

  it('after a master was killed', async () => {
    const port = await masterOf(watched.ids[1]);
    signal(stage.pidOf(port), 'SIGKILL');
    await Promise.all([stage.replaced(port), watched.rotate()]);
    await Promise.all([writer.works(), reader.works()]);
    await watched.rotate();
  });
});
