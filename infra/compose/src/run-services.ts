/** Runs services in the order of what they depend on, and stops them in the opposite order. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from './commands.ts';

export interface RunningServices {
  /** Rejects when one of them ends by itself, with its name. */
  readonly broken: Promise<never>;
  /** Ends all, the last started first. */
  stop(): Promise<void>;
}

export interface RunOptions {
  readonly commands: ReadonlyMap<string, Command>;
  /** Services that must be healthy first, by service. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
  /** What every process gets besides its own variables. */
  readonly env: Readonly<Record<string, string>>;
  readonly write: (text: string) => void;
}

const HEALTHY_WITHIN_MS = 120_000;
const ASK_AGAIN_MS = 200;
const ASK_TIMEOUT_MS = 5_000;

/** Resolves once all are healthy. If one is not, all are stopped and it rejects. */
export async function runServices(options: RunOptions): Promise<RunningServices> {
  const { commands, needs, write } = options;
  const running: { readonly child: ChildProcess; readonly graceMs: number }[] = [];
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined); // the caller may not wait for it
  let isStopping = false;
  async function stop(): Promise<void> {
    isStopping = true;
    for (const one of running.toReversed()) await endProcess(one);
  }
  const started = new Map<string, Promise<void>>();
  function start(name: string): Promise<void> {
    const known = started.get(name) ?? startOne(name);
    started.set(name, known);
    return known;
  }
  async function startOne(name: string): Promise<void> {
    const command = commands.get(name);
    if (command === undefined) return;
    await Promise.all((needs.get(name) ?? []).map(start));
    if (isStopping) return;
    const child = spawnService(name, command, options);
    running.push({ child, graceMs: command.graceMs });
    const fail = (): void => void (isStopping || broken.reject(new Error(`${name} has ended by itself`)));
    child.once('exit', fail).once('error', fail);
    await Promise.race([untilHealthy(name, command, options), broken.promise]);
    write(`${name} is healthy\n`);
  }
  try {
    await Promise.all([...commands.keys()].map(start));
  } catch (error) {
    await stop();
    throw error;
  }
  return { broken: broken.promise, stop };
}

function spawnService(name: string, { program, args, env }: Command, { env: base, write }: RunOptions): ChildProcess {
  // Ctrl-C is meant for us, and we stop them in order: so each has a process group of its own.
  const child = spawn(program, args, { env: { ...base, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => write(text.replaceAll(/^(?=.)/gm, `${name} | `)));
  }
  return child;
}

async function untilHealthy(name: string, command: Command, { env }: RunOptions): Promise<void> {
  const deadline = AbortSignal.timeout(HEALTHY_WITHIN_MS);
  while (!(await isHealthy(command, env))) {
    if (deadline.aborted) throw new Error(`${name} is not healthy after ${HEALTHY_WITHIN_MS / 1_000} s; its lines above tell why`);
    await delay(ASK_AGAIN_MS);
  }
}

async function isHealthy({ check, env }: Command, base: Readonly<Record<string, string>>): Promise<boolean> {
  if (check === null) return true;
  if (check.kind === 'url') {
    return fetch(check.url, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) }).then(
      async (answer) => {
        await answer.text();
        return answer.ok;
      },
      () => false, // it does not listen yet
    );
  }
  const [program = '', ...args] = check.argv;
  return spawnSync(program, args, { env: { ...base, ...env }, timeout: ASK_TIMEOUT_MS }).status === 0;
}

async function endProcess({ child, graceMs }: { readonly child: ChildProcess; readonly graceMs: number }): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  await ended;
  clearTimeout(timer);
}
