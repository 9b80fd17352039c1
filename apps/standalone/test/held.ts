/** For leak tests: what a process holds, as test/count-held.ts counts it, and what became more. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Counts, Held } from './count-held.ts';
import type { LogLine, StagedRole } from './staged-role.ts';

const PRELOADS = [new URL('./count-held.ts', import.meta.url), new URL('./plant-leaks.ts', import.meta.url)];

/** The environment of a role that `readHeld` can ask, and that leaks when it is told to. */
export const COUNTED = { NODE_OPTIONS: PRELOADS.map(({ href }) => `--import=${href}`).join(' ') };

const READINGS = 8;
const READ_EVERY_MS = 250;

/** Only for a role that was started with `COUNTED`. */
export async function readHeld(role: StagedRole): Promise<Held> {
  const before = role.lines().filter(isHeld).length;
  process.kill(role.pid() ?? 0, 'SIGUSR2');
  const line = await role.untilLine((one) => isHeld(one) && role.lines().filter(isHeld).indexOf(one) >= before);
  return line as LogLine & Held; // count-held.ts wrote it
}

const isHeld = ({ msg }: LogLine): boolean => /^held \d+$/.test(msg);

/** @returns what there is more of now, as `kind before→now` */
export function moreThan(base: Held, now: Held): string[] {
  const more = (before: Counts, after: Counts): string[] =>
    Object.entries(after).flatMap(([kind, count]) => (count > (before[kind] ?? 0) ? [`${kind} ${before[kind] ?? 0}→${count}`] : []));
  return [...more(base.resources, now.resources), ...more(base.listeners, now.listeners)].sort();
}

/** The most that the process holds of each kind while nothing happens but its own work. */
export async function readBase(role: StagedRole): Promise<Held> {
  let base: Held = { resources: {}, listeners: {} };
  for (let n = 0; n < READINGS; n++) {
    const held = await readHeld(role);
    base = { resources: most(base.resources, held.resources), listeners: most(base.listeners, held.listeners) };
    await delay(READ_EVERY_MS);
  }
  return base;
}

function most(a: Counts, b: Counts): Counts {
  return Object.fromEntries(Object.keys({ ...a, ...b }).map((kind) => [kind, Math.max(a[kind] ?? 0, b[kind] ?? 0)]));
}
