/** How each fault of processes, clocks, callers and the provider breaks the stage, and how that ends. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Instance } from '@qrcast/simulator/instance';
import type { ProductStage } from '../test/fault-stage.ts';
import type { StagedProcess } from '../test/staged-role.ts';
import { answerBadly } from './bad-answers.ts';
import type { Random } from './random.ts';
import { type Break, type Broken, NOTHING, type Scene } from './scene.ts';

const SHIFTS_MS: readonly [number, ...number[]] = [7_200_000, 60_000, 2_000, -2_000, -120_000, -7_200_000];
const STATES: readonly [string, ...string[]] = ['starting', 'notAuthorized', 'blocked', 'sleepMode', 'suspended'];
const DAY_MS = 86_400_000;
const START_AGAIN_MS = 500;

export const BREAKS = {
  'kill gateway': (scene, random) => kill(scene, scene.stage.gateways, random),
  'kill worker': (scene, random) => kill(scene, scene.stage.workers, random),
  'stop gateway': (scene, random) => stop(scene, scene.stage.gateways, random),
  'stop worker': (scene, random) => stop(scene, scene.stage.workers, random),
  'cut viewers': ({ stage }, random) => {
    const role = random.pick(stage.gateways);
    role.front.cut();
    return { what: `of ${nameOf(stage, role)}` };
  },
  'freeze viewers': (scene, random) => {
    const role = random.pick(scene.stage.gateways);
    role.front.freeze();
    return { what: `of ${nameOf(scene.stage, role)}` };
  },
  'shift clock': shiftClock,
  'lose notifications': (scene, random) => notify(scene, random, (instance) => instance.loseWebhooks(random.between(1, 3))),
  'double notifications': (scene, random) => notify(scene, random, (instance) => instance.duplicateWebhooks(random.between(1, 3))),
  'late notifications': (scene, random) => notify(scene, random, (instance) => instance.delayWebhooks(random.between(100, 8_000))),
  'strange notifications': (scene, random) =>
    notify(scene, random, (instance) => instance.notify({ state: random.pick(STATES), offsetMs: -random.between(0, DAY_MS) })),
  'provider answers': (scene, random) => answerBadly(scene, random),
} as const satisfies Record<string, Break>;

function free<T extends StagedProcess>({ busy }: Scene, roles: readonly T[]): readonly T[] {
  return roles.filter((role) => !busy.has(role));
}

export function nameOf(stage: ProductStage, role: StagedProcess): string {
  return `${role.kind} ${(role.kind === 'gateway' ? stage.gateways : stage.workers).indexOf(role) + 1}`;
}

async function kill(scene: Scene, roles: readonly StagedProcess[], random: Random): Promise<Broken> {
  const [first, ...rest] = free(scene, roles);
  if (first === undefined) return NOTHING;
  const role = random.pick([first, ...rest]);
  scene.busy.add(role);
  await role.kill();
  async function restart(): Promise<void> {
    await startAgain(role);
    scene.busy.delete(role);
  }
  return { what: nameOf(scene.stage, role), mend: restart };
}

/** As a supervisor does: without a usable Redis a process says so, and ends. */
export async function startAgain(role: StagedProcess): Promise<void> {
  for (let isUp = false; !isUp; ) {
    isUp = await role.restart().then(
      () => true,
      () => false,
    );
    if (!isUp) await delay(START_AGAIN_MS);
  }
}

function stop(scene: Scene, roles: readonly StagedProcess[], random: Random): Broken {
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
  return { what: nameOf(scene.stage, role), mend: thaw };
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
  return { what: `of ${nameOf(scene.stage, role)} by ${ms} ms`, mend: shiftBack };
}

function notify(scene: Scene, random: Random, change: (instance: Instance) => void): Broken {
  const [first, ...rest] = scene.waiting();
  if (first === undefined) return NOTHING;
  const chosen = new Set(Array.from({ length: 1 + Math.floor(rest.length / 4) }, () => random.pick([first, ...rest])));
  for (const instance of chosen) change(instance);
  return { what: `of ${chosen.size} instances` };
}
