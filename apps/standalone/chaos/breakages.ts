/** How each fault of the schedule breaks the stage, and how that ends. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Instance } from '@qrcast/simulator/instance';
import type { StagedRedis, WriteRefusal } from '../test/staged-redis.ts';
import { type ConnectionRole, ofRole, type StagedRole } from '../test/staged-role.ts';
import { answerBadly } from './bad-answers.ts';
import type { Random } from './random.ts';
import type { Broken, Scene } from './scene.ts';
import type { FaultKind } from './schedule.ts';

type Break = (scene: Scene, random: Random) => Broken | Promise<Broken>;

const NOTHING: Broken = { what: null };
const CONNECTION_ROLES: readonly [ConnectionRole, ...ConnectionRole[]] = ['commands', 'subscriber', 'queue', 'blocking'];
const WORDS: readonly [WriteRefusal, ...WriteRefusal[]] = ['MISCONF', 'OOM', 'NOREPLICAS'];
const SHIFTS_MS: readonly [number, ...number[]] = [7_200_000, 60_000, 2_000, -2_000, -120_000, -7_200_000];
const DELAYS_MS: readonly [number, ...number[]] = [20, 200, 1_500];
const STATES: readonly [string, ...string[]] = ['starting', 'notAuthorized', 'blocked', 'sleepMode', 'suspended'];
const DAY_MS = 86_400_000;
const START_AGAIN_MS = 500;

export const BREAKS: Readonly<Record<FaultKind, Break>> = {
  'kill gateway': (scene, random) => kill(scene, scene.stage.gateways, random),
  'kill worker': (scene, random) => kill(scene, scene.stage.workers, random),
  'stop gateway': (scene, random) => stop(scene, scene.stage.gateways, random),
  'stop worker': (scene, random) => stop(scene, scene.stage.workers, random),
  'stop redis': (scene) =>
    withRedis(scene, (redis) => {
      redis.freeze();
      return { what: 'all of it', mend: () => redis.thaw() };
    }),
  'freeze connections': (scene, random) => {
    const role = anyRole(scene, random);
    const which = random.pick(CONNECTION_ROLES);
    role.redis.freeze(ofRole(which));
    return { what: `${which} of ${nameOf(scene, role)}` };
  },
  'cut connections': (scene, random) => {
    const role = anyRole(scene, random);
    role.redis.cut();
    return { what: `of ${nameOf(scene, role)}` };
  },
  'delay connections': (scene, random) => {
    const role = anyRole(scene, random);
    const ms = random.pick(DELAYS_MS);
    role.redis.delay(ms);
    return { what: `of ${nameOf(scene, role)} by ${ms} ms`, mend: () => role.redis.delay(0) };
  },
  'refuse connections': (scene, random) => {
    const role = anyRole(scene, random);
    role.redis.refuse(true);
    role.redis.cut();
    return { what: `of ${nameOf(scene, role)}`, mend: () => role.redis.refuse(false) };
  },
  'cut viewers': ({ stage, ...scene }, random) => {
    const role = random.pick(stage.gateways);
    role.front.cut();
    return { what: `of ${nameOf({ stage, ...scene }, role)}` };
  },
  'freeze viewers': (scene, random) => {
    const role = random.pick(scene.stage.gateways);
    role.front.freeze();
    return { what: `of ${nameOf(scene, role)}` };
  },
  'shift clock': shiftClock,
  'older data': forget,
  'refuse writes': (scene, random) =>
    withRedis(scene, async (redis) => {
      const word = random.pick(WORDS);
      await redis.refuseWrites(word);
      return { what: word, mend: () => redis.acceptWrites() };
    }),
  'demote redis': (scene) =>
    withRedis(scene, async (redis) => {
      const release = await scene.holdCreations(); // a session that began in between would be gone
      const from = scene.now();
      try {
        await scene.standby.replicaOf(redis);
        await scene.standby.replicaOf(null);
        await redis.replicaOf(scene.standby);
      } finally {
        scene.losses.push({ from, to: scene.now() });
        release();
      }
      return { what: 'to a replica', mend: () => redis.replicaOf(null) };
    }),
  'lose notifications': (scene, random) => notify(scene, random, (instance) => instance.loseWebhooks(random.between(1, 3))),
  'double notifications': (scene, random) => notify(scene, random, (instance) => instance.duplicateWebhooks(random.between(1, 3))),
  'late notifications': (scene, random) => notify(scene, random, (instance) => instance.delayWebhooks(random.between(100, 8_000))),
  'strange notifications': (scene, random) =>
    notify(scene, random, (instance) => instance.notify({ state: random.pick(STATES), offsetMs: -random.between(0, DAY_MS) })),
  'provider answers': (scene, random) => answerBadly(scene, random),
};

function free<T extends StagedRole>({ busy }: Scene, roles: readonly T[]): readonly T[] {
  return roles.filter((role) => !busy.has(role));
}

function anyRole({ stage }: Scene, random: Random): StagedRole {
  return random.isTrue(0.5) ? random.pick(stage.gateways) : random.pick(stage.workers);
}

function nameOf({ stage }: Scene, role: StagedRole): string {
  return `${role.kind} ${(role.kind === 'gateway' ? stage.gateways : stage.workers).indexOf(role) + 1}`;
}

async function kill(scene: Scene, roles: readonly StagedRole[], random: Random): Promise<Broken> {
  const [first, ...rest] = free(scene, roles);
  if (first === undefined) return NOTHING;
  const role = random.pick([first, ...rest]);
  scene.busy.add(role);
  await role.kill();
  async function restart(): Promise<void> {
    await startAgain(role);
    scene.busy.delete(role);
  }
  return { what: nameOf(scene, role), mend: restart };
}

/** As a supervisor does: without a usable Redis a process says so, and ends. */
export async function startAgain(role: StagedRole): Promise<void> {
  for (let isUp = false; !isUp; ) {
    isUp = await role.restart().then(
      () => true,
      () => false,
    );
    if (!isUp) await delay(START_AGAIN_MS);
  }
}

function stop(scene: Scene, roles: readonly StagedRole[], random: Random): Broken {
  const [first, ...rest] = free(scene, roles);
  if (first === undefined) return NOTHING;
  const role = random.pick([first, ...rest]);
  scene.busy.add(role);
  const from = scene.now();
  const span = { from, to: Number.POSITIVE_INFINITY };
  if (role.kind === 'worker') scene.stopped.push(span);
  role.freeze();
  function thaw(): void {
    role.thaw();
    span.to = scene.now();
    scene.busy.delete(role);
  }
  return { what: nameOf(scene, role), mend: thaw };
}

async function withRedis(scene: Scene, breakIt: (redis: StagedRedis) => Broken | Promise<Broken>): Promise<Broken> {
  const { busy, stage } = scene;
  if (busy.has(stage.redis)) return NOTHING;
  busy.add(stage.redis);
  const { what, mend } = await breakIt(stage.redis);
  async function mendIt(): Promise<void> {
    await mend?.();
    busy.delete(stage.redis);
  }
  return { what, mend: mendIt };
}

async function shiftClock(scene: Scene, random: Random): Promise<Broken> {
  const [first, ...rest] = free(scene, [...scene.stage.gateways, ...scene.stage.workers]);
  if (first === undefined) return NOTHING;
  const role = random.pick([first, ...rest]);
  const ms = random.pick(SHIFTS_MS);
  const pid = role.pid();
  await role.shiftClock(ms);
  async function shiftBack(): Promise<void> {
    if (role.pid() === pid && !scene.busy.has(role)) await role.shiftClock(0); // a restart has ended it, too
  }
  return { what: `of ${nameOf(scene, role)} by ${ms} ms`, mend: shiftBack };
}

/** What is written from now on is forgotten at the end. A session that began then would be gone. */
function forget(scene: Scene): Promise<Broken> {
  return withRedis(scene, async (redis) => {
    const release = await scene.holdCreations();
    const from = scene.now();
    await redis.save();
    async function forgetIt(): Promise<void> {
      await redis.forget();
      scene.losses.push({ from, to: scene.now() });
      release();
    }
    return { what: 'all that is written meanwhile is lost', mend: forgetIt };
  });
}

function notify(scene: Scene, random: Random, change: (instance: Instance) => void): Broken {
  const [first, ...rest] = scene.waiting();
  if (first === undefined) return NOTHING;
  const chosen = new Set(Array.from({ length: 1 + Math.floor(rest.length / 4) }, () => random.pick([first, ...rest])));
  for (const instance of chosen) change(instance);
  return { what: `of ${chosen.size} instances` };
}
