/** How faults break one Redis server, and the connections to it. */

import type { FaultStage } from '../test/fault-stage.ts';
import type { StagedRedis, WriteRefusal } from '../test/staged-redis.ts';
import { type ConnectionRole, ofRole, type StagedRole } from '../test/staged-role.ts';
import { nameOf } from './breakages.ts';
import type { Random } from './random.ts';
import { type Break, type Broken, oneAtATime, type Scene } from './scene.ts';

const CONNECTION_ROLES: readonly [ConnectionRole, ...ConnectionRole[]] = ['commands', 'producer', 'subscriber', 'queue', 'blocking'];
const WORDS: readonly [WriteRefusal, ...WriteRefusal[]] = ['MISCONF', 'OOM', 'NOREPLICAS'];
const DELAYS_MS: readonly [number, ...number[]] = [20, 200, 1_500];

/** @param standby a second server, for a demotion */
export function breaksOfOneRedis({ redis, gateways, workers }: FaultStage, standby: StagedRedis) {
  const anyRole = (random: Random): StagedRole => (random.isTrue(0.5) ? random.pick(gateways) : random.pick(workers));
  return {
    'stop redis': (scene) =>
      oneAtATime(scene, redis, () => {
        redis.freeze();
        return { what: 'all of it', mend: () => redis.thaw() };
      }),
    'freeze connections': (scene, random) => {
      const role = anyRole(random);
      const which = random.pick(CONNECTION_ROLES);
      role.redis.freeze(ofRole(which));
      return { what: `${which} of ${nameOf(scene.stage, role)}` };
    },
    'cut connections': (scene, random) => {
      const role = anyRole(random);
      role.redis.cut();
      return { what: `of ${nameOf(scene.stage, role)}` };
    },
    'delay connections': (scene, random) => {
      const role = anyRole(random);
      const ms = random.pick(DELAYS_MS);
      role.redis.delay(ms);
      return { what: `of ${nameOf(scene.stage, role)} by ${ms} ms`, mend: () => role.redis.delay(0) };
    },
    'refuse connections': (scene, random) => {
      const role = anyRole(random);
      role.redis.refuse(true);
      role.redis.cut();
      return { what: `of ${nameOf(scene.stage, role)}`, mend: () => role.redis.refuse(false) };
    },
    'older data': (scene) => oneAtATime(scene, redis, () => forget(scene, redis)),
    'refuse writes': (scene, random) =>
      oneAtATime(scene, redis, async () => {
        const word = random.pick(WORDS);
        await redis.refuseWrites(word);
        return { what: word, mend: () => redis.acceptWrites() };
      }),
    'demote redis': (scene) => oneAtATime(scene, redis, () => demote(scene, redis, standby)),
  } as const satisfies Record<string, Break>;
}

/** What is written from now on is forgotten at the end. A session that began then would be gone. */
async function forget(scene: Scene, redis: StagedRedis): Promise<Broken> {
  const release = await scene.holdCreations();
  const from = scene.now();
  await redis.save();
  async function forgetIt(): Promise<void> {
    await redis.forget();
    scene.losses.push({ from, to: scene.now(), wentBack: true });
    release();
  }
  return { what: 'all that is written meanwhile is lost', mend: forgetIt };
}

async function demote(scene: Scene, redis: StagedRedis, standby: StagedRedis): Promise<Broken> {
  const release = await scene.holdCreations(); // a session that began in between would be gone
  const from = scene.now();
  try {
    await standby.replicaOf(redis);
    await standby.replicaOf(null);
    await redis.replicaOf(standby);
  } finally {
    scene.losses.push({ from, to: scene.now(), wentBack: true });
    release();
  }
  return { what: 'to a replica', mend: () => redis.replicaOf(null) };
}
