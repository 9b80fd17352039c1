/** Runs a role in a process of its own, searches its output for faults, and reads what it holds. */

import { fileURLToPath } from 'node:url';
import { type Environment, type Program, spawnNode } from '../test/role-process.ts';
import type { Held } from './held.ts';

export interface WatchedRole {
  readonly port: () => number;
  /** Starts it again if it has ended or is about to end. */
  ready(): Promise<void>;
  /** New lines of level error and above, and the end of the role. */
  faults(): readonly string[];
  /** What it wrote since the last call. */
  news(): string;
  held(): Promise<Held>;
  stop(): Promise<void>;
}

export interface RoleProgram {
  readonly name: string;
  readonly main: string;
  readonly args?: readonly string[];
  /** Matches the output once the role is up. Its first group is the port. */
  readonly isUp: RegExp;
}

const mainOf = (name: string): string => fileURLToPath(import.meta.resolve(name));
export const ROLES = {
  gateway: { name: 'gateway', main: mainOf('@qrcast/gateway/main'), isUp: /"port":(\d+).*gateway listens/ },
  worker: { name: 'worker', main: mainOf('@qrcast/worker/main'), isUp: /"port":(\d+).*worker is up/ },
} as const satisfies Record<string, RoleProgram>;

const PROBE = fileURLToPath(new URL('./role-probe.ts', import.meta.url));
/** pino's number of `error`. */
const ERROR_LEVEL = 50;

/** @param env is called at each start, because a restarted role keeps its port */
export async function startRole({ name, main, args = [], isUp }: RoleProgram, env: (port: number) => Environment): Promise<WatchedRole> {
  let port = 0;
  let program: Program;
  let read = 0; // how much of its output `news` has returned
  let looked = 0; // how much of it `faults` has read
  let probes = 0;
  let isEndTold = false;

  async function start(): Promise<void> {
    program = spawnNode(['--import', PROBE, main, ...args], env(port));
    [read, looked, probes, isEndTold] = [0, 0, 0, false];
    port = Number((await program.until(isUp))[1]);
  }
  await start();

  return {
    port: () => port,
    async ready() {
      if (!hasEnded(program) && !isEnding(program)) return;
      await program.stop();
      await start();
    },
    faults() {
      const output = program.output();
      const end = output.lastIndexOf('\n') + 1;
      const lines = output.slice(looked, end).split('\n').filter(isFault);
      looked = end;
      if (hasEnded(program) && !isEndTold) {
        isEndTold = true;
        lines.push(`the ${name} has ended: ${output.slice(-500)}`);
      }
      return lines.map((line) => `${name}: ${line.slice(0, 1_500)}`);
    },
    news() {
      const all = program.output().slice(read);
      read += all.length;
      return all;
    },
    async held() {
      probes += 1;
      program.child.kill('SIGUSR2');
      const [, text = ''] = await program.until(new RegExp(`fuzz-probe ${probes} (.*)\\n`));
      return JSON.parse(text) as Held; // written by role-probe.ts
    },
    stop: () => program.stop(),
  };
}

const hasEnded = ({ child }: Program): boolean => child.exitCode !== null || child.signalCode !== null;

/** After an uncaught fault, the role runs on for a while. */
const isEnding = (program: Program): boolean => program.output().includes('an uncaught error');

/** A log line of level error, or a line that is no log line: a stack, or a warning of Node. */
function isFault(line: string): boolean {
  if (line === '' || line.startsWith('fuzz-probe ')) return false;
  try {
    return ((JSON.parse(line) as { level?: number }).level ?? 0) >= ERROR_LEVEL;
  } catch {
    return true;
  }
}
