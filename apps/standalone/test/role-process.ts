/**
 * For tests: runs gateways and workers in processes of their own, records their output, and reads
 * what others can see of a process.
 */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BASE_ENVIRONMENT } from './base-environment.ts';

export type Environment = Readonly<Record<string, string>>;

export interface Program {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Both outputs so far. */
  output(): string;
  /** @throws {Error} if it ends before */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends SIGTERM. Resolves once it has ended and all of its output was read. */
  stop(): Promise<void>;
}

const MAINS = { gateway: '@qrcast/gateway/main', worker: '@qrcast/worker/main' } as const;

/** @param args arguments of Node */
export function spawnRole(role: keyof typeof MAINS, env: Environment, args: readonly string[] = []): Program {
  return spawnNode([...args, fileURLToPath(import.meta.resolve(MAINS[role]))], env);
}

/**
 * Its environment has these variables and PATH only.
 *
 * @param cwd this process's own by default
 * @param channel `ipc` lets the two processes send each other messages
 */
export function spawnNode(args: readonly string[], env: Environment = {}, cwd?: string, channel: 'ipc' | 'none' = 'none'): Program {
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(channel === 'ipc' ? (['ipc'] as const) : [])];
  const child = spawn(process.execPath, args, { env: { ...BASE_ENVIRONMENT, ...env }, stdio, cwd });
  const ended = once(child, 'close');
  const looking = new Set<() => void>();
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const look of looking) look();
    });
  }
  return {
    child,
    pid: child.pid ?? 0,
    output: () => output,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(output);
          if (found === null) return;
          looking.delete(look);
          resolve(found);
        };
        looking.add(look);
        look();
        void ended.then(() => reject(new Error(`it ended before it wrote ${pattern}:\n${output.slice(-2_000)}`)));
      }),
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/**
 * @returns the command lines of all descendants of this process, as everybody on the machine can
 * read them. Empty except on Linux.
 */
export function commandLines(): Map<number, string> {
  const pids = childrenOf(process.pid);
  return new Map(pids.map((pid) => [pid, readProc(pid, 'cmdline').replaceAll('\0', ' ')]));
}

/** @returns the environment of a process, as the same user can read it */
export function environmentOf(pid: number): string {
  return readProc(pid, 'environ');
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  const parents = new Map(pids.map((pid) => [pid, Number(/\) \S (\d+)/.exec(readProc(pid, 'stat'))?.[1])]));
  const below = (of: number): number[] => pids.filter((pid) => parents.get(pid) === of).flatMap((pid) => [pid, ...below(pid)]);
  return below(parent);
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return ''; // it has ended, or belongs to another user
  }
}
