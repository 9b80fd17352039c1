/** How faults break a Redis of several servers, which then has to mend itself. */

import { setTimeout as delay } from 'node:timers/promises';
import { SHARD_COUNT } from '@qrcast/runtime/polling/shards';
import { slotOf } from '@qrcast/runtime/redis/cluster-client';
import { sessionKey, shardKeys } from '@qrcast/runtime/redis/keys';
import { clusterParts } from '@qrcast/runtime/redis/work-parts';
import { hasSlot } from '@qrcast/runtime/test/cluster-members';
import type { ClusterStage } from '@qrcast/runtime/test/cluster-stage';
import { type SentinelStage, signal } from '@qrcast/runtime/test/sentinel-stage';
import type { Random } from './random.ts';
import { type Break, type Broken, oneAtATime, type Scene } from './scene.ts';

/** What can be done to the servers of either kind. */
type Nodes = Pick<ClusterStage, 'ports' | 'failover' | 'replaced' | 'cutOff' | 'rejoin' | 'restart' | 'settled' | 'admin' | 'pidOf'> & {
  masters(): Promise<readonly { readonly port: number }[]>;
  /** Which keys the master with this port has now. */
  holds(port: number): Promise<(key: string) => boolean>;
};

const NAMESPACE = 'qrcast';
const MASTER_SHARE = 0.7;
const MOVES = 3;
const ASK_AGAIN_MS = 10;
/** A replica has what its master wrote before. */
const REPLICATED_WITHIN_MS = 1_000;

export function breaksOfSentinels(sentinels: SentinelStage) {
  const nodes: Nodes = { ...sentinels, failover: () => sentinels.failover(), holds: async () => () => true };
  return {
    ...breaksOfNodes(nodes),
    // The Sentinels promote the replica first, and demote the master later.
    'fail over': (scene, random) =>
      oneAtATime(scene, nodes, () =>
        fork(scene, nodes, random, async (port) => {
          await nodes.failover(port);
          return () => undefined;
        }),
      ),
  } as const satisfies Record<string, Break>;
}

export function breaksOfCluster(cluster: ClusterStage) {
  async function holds(port: number): Promise<(key: string) => boolean> {
    const master = (await cluster.masters()).find((one) => one.port === port);
    return (key) => master !== undefined && hasSlot(master, slotOf(key));
  }
  const nodes: Nodes = { ...cluster, holds };
  return {
    ...breaksOfNodes(nodes),
    // The replica gets all that the master has written, so nothing is lost.
    'fail over': (scene, random) =>
      oneAtATime(scene, nodes, async () => {
        const port = await pickMaster(nodes, random);
        await nodes.failover(port);
        await nodes.settled();
        return { what: `the master of port ${port}` };
      }),
    'move slots': (scene, random) =>
      oneAtATime(scene, nodes, async () => {
        const keys = Array.from({ length: MOVES }, () => anyKey(scene, random));
        for (const key of keys) await cluster.moveSlot(key);
        return { what: `of ${keys.join(', ')}` };
      }),
  } as const satisfies Record<string, Break>;
}

function breaksOfNodes(nodes: Nodes) {
  return {
    'kill node': (scene, random) => oneAtATime(scene, nodes, () => kill(scene, nodes, random)),
    'stop node': (scene, random) =>
      oneAtATime(scene, nodes, () =>
        fork(scene, nodes, random, async (port) => {
          signal(nodes.pidOf(port), 'SIGSTOP');
          return () => signal(nodes.pidOf(port), 'SIGCONT');
        }),
      ),
    partition: (scene, random) =>
      oneAtATime(scene, nodes, () =>
        fork(scene, nodes, random, async (port) => {
          await nodes.cutOff(port);
          return () => nodes.rejoin(port);
        }),
      ),
  } as const satisfies Record<string, Break>;
}

async function pickMaster(nodes: Nodes, random: Random): Promise<number> {
  const [first, ...rest] = await nodes.masters();
  if (first === undefined) throw new Error('there is no master');
  return random.pick([first, ...rest]).port;
}

/** A key whose slot matters: of jobs and marks, of due polls, or of a session with viewers. */
function anyKey(scene: Scene, random: Random): string {
  const [due] = shardKeys(NAMESPACE, random.between(0, SHARD_COUNT - 1));
  const [first, ...rest] = scene.watched();
  const session = first === undefined ? [] : [sessionKey(NAMESPACE, random.pick([first, ...rest]))];
  const { queuePrefix } = random.pick(clusterParts(NAMESPACE));
  return random.pick([queuePrefix, due, ...session]);
}

/** Resolves when a replica has all that the master has written by now. */
async function untilReplicated(nodes: Nodes, port: number): Promise<void> {
  const offsets = async (): Promise<readonly number[]> =>
    [...(await nodes.admin(port).info('replication')).matchAll(/(?:master_repl_offset:|,offset=)(\d+)/g)].map(([, offset]) =>
      Number(offset),
    );
  const written = (await offsets()).at(-1) ?? 0; // the master's own comes after those of its replicas
  while (!(await offsets()).slice(0, -1).some((offset) => offset >= written)) await delay(ASK_AGAIN_MS);
}

/** Mends only what nobody else can: a replica takes over by itself. */
async function kill(scene: Scene, nodes: Nodes, random: Random): Promise<Broken> {
  const master = await pickMaster(nodes, random);
  const masters = new Set((await nodes.masters()).map(({ port }) => port));
  const [first = master, ...rest] = nodes.ports.filter((port) => !masters.has(port));
  const isMaster = random.isTrue(MASTER_SHARE);
  const port = isMaster ? master : random.pick([first, ...rest]);
  if (isMaster) {
    const release = await scene.holdCreations();
    await untilReplicated(nodes, port); // the last session would be gone with its master
    const holds = await nodes.holds(port);
    const diedAt = scene.now();
    signal(nodes.pidOf(port), 'SIGKILL');
    scene.losses.push({ from: diedAt - REPLICATED_WITHIN_MS, to: scene.now(), wentBack: false });
    release();
    await nodes.replaced(port);
    scene.takeovers.push({ diedAt, replacedAt: scene.now(), isOf: (sessionId) => holds(sessionKey(NAMESPACE, sessionId)) });
  } else signal(nodes.pidOf(port), 'SIGKILL');

  async function restart(): Promise<void> {
    await nodes.restart(port);
    await nodes.settled();
  }
  return { what: `the ${isMaster ? 'master' : 'replica'} of port ${port}`, mend: restart };
}

/**
 * Until it is mended there may be two masters. What one of them takes is lost, and a session that
 * began there would be gone.
 */
async function fork(scene: Scene, nodes: Nodes, random: Random, breakIt: (port: number) => Promise<() => unknown>): Promise<Broken> {
  const release = await scene.holdCreations();
  const port = await pickMaster(nodes, random);
  await untilReplicated(nodes, port);
  const loss = { from: scene.now(), to: Number.POSITIVE_INFINITY, wentBack: false };
  scene.losses.push(loss);
  const undo = await breakIt(port);
  async function mend(): Promise<void> {
    await undo();
    await nodes.settled();
    loss.to = scene.now();
    release();
  }
  return { what: `the master of port ${port}`, mend };
}
