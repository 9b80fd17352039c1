/**
 * `node src/top-costs.ts <file.cpuprofile>…` prints the packages and functions that used most of
 * the CPU time in the profiles.
 */

import { readFileSync } from 'node:fs';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** µs before each sample. */
  readonly timeDeltas: readonly number[];
}

type Frame = Profile['nodes'][number]['callFrame'];

const PACKAGES_SHOWN = 12;
const FUNCTIONS_SHOWN = 25;
const WAITING = '(idle)';

/**
 * @returns self time in µs of each group that `groupOf` names, the largest first. Time spent
 * waiting is left out.
 */
function selfTimes({ nodes, samples, timeDeltas }: Profile, groupOf: (frame: Frame) => string): readonly (readonly [string, number])[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const times = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const frame = frames.get(id);
    if (frame === undefined || frame.functionName === WAITING) continue;
    const group = groupOf(frame);
    times.set(group, (times.get(group) ?? 0) + (timeDeltas[i] ?? 0));
  }
  return [...times].sort(([, a], [, b]) => b - a);
}

/**
 * @returns for example `ioredis/built/Command.js`, `packages/core/src/reduce.ts` or `node:net`;
 * empty if it is not JavaScript
 */
function pathOf({ url }: Frame): string {
  return url.replace(/^file:\/\/.*\/node_modules\//, '').replace(/^file:\/\/.*\/(?=(?:apps|packages|infra)\/)/, '');
}

function functionOf(frame: Frame): string {
  const path = pathOf(frame);
  const name = frame.functionName === '' ? '(anonymous)' : frame.functionName;
  return path === '' ? name : `${name} ${path}:${frame.lineNumber + 1}`;
}

function packageOf(frame: Frame): string {
  const path = pathOf(frame);
  if (path === '') return frame.functionName.startsWith('(') ? frame.functionName : 'native code';
  if (path.startsWith('node:')) return 'node';
  const parts = path.split('/');
  return /^(?:apps|packages|infra|@)/.test(path) ? parts.slice(0, 2).join('/') : (parts[0] ?? path);
}

function print(times: readonly (readonly [string, number])[], shown: number): void {
  const total = times.reduce((sum, [, micros]) => sum + micros, 0);
  for (const [name, micros] of times.slice(0, shown)) {
    process.stdout.write(`${((micros / total) * 100).toFixed(1).padStart(6)} %  ${name}\n`);
  }
}

for (const file of process.argv.slice(2)) {
  // V8 writes it, in the shape of Profiler.Profile in the DevTools protocol.
  const profile = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  process.stdout.write(`${file}: by package\n`);
  print(selfTimes(profile, packageOf), PACKAGES_SHOWN);
  process.stdout.write('by function\n');
  print(selfTimes(profile, functionOf), FUNCTIONS_SHOWN);
}
