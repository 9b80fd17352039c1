/**
 * A private Redis for `start` and for tests: a real server found on PATH, on a free loopback port, with a password, its data in one folder.
 * It is a child of this process and ends with it, however this process ends.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import type { Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';

export interface RedisServer {
  readonly url: string;
  readonly pid: number;
  /** Resolves when the process has ended, whoever ended it. */
  readonly ended: Promise<void>;
  /** SIGTERM, so that what it holds is written; SIGKILL after 5 s. Idempotent. */
  close(): Promise<void>;
}

export interface RedisServerOptions {
  /** The server's program. */
  readonly program: string;
  readonly args?: readonly string[];
  /** Where its data goes; must exist. Removed, if it is empty, when this process was killed. */
  readonly folder: string;
  /** Append-only file on. Off, nothing survives a restart. */
  readonly persistent: boolean;
  /** The same port and password again, as after a restart; else free and random ones. */
  readonly endpoint?: { readonly port: number; readonly password: string };
}

const SERVER_PROGRAMS = ['redis-server', 'valkey-server'];
const READY_WITHIN_MS = 10_000;
const KILL_AFTER_MS = 5_000;
const TRIES = 5;

const SHELL = '/bin/sh';
/**
 * For a process that is killed and can close nothing. The shell becomes the server, so the server keeps its pid; beside it waits a watchdog for
 * a line on descriptor 3, by which we say that the server has ended and its pid may be another's. Without a line the pipe closes only when
 * we are gone: our end of it passes to none of our children, and the server does not get the watchdog's. `$0` is the folder.
 *
 * A watchdog that is killed is not replaced: the server then outlives a killed process, as it does on a machine without a shell, and the next
 * `start` ends it.
 */
const GUARDED = '{ read -r _ <&3 || { kill -TERM $$; rmdir "$0"; }; } & exec "$@" 3<&-';

/** The first real server on PATH, null if there is none. */
export function findRedisProgram(path: string): string | null {
  for (const program of SERVER_PROGRAMS) {
    for (const folder of path.split(delimiter)) {
      try {
        accessSync(join(folder, program), constants.X_OK);
        return join(folder, program);
      } catch {
        // not in this folder
      }
    }
  }
  return null;
}

/** @throws {Error} if the server does not answer within 10 s. */
export async function openRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  let lastError: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const endpoint = options.endpoint ?? { port: await freePort(), password: randomBytes(24).toString('hex') };
    try {
      return await startServer(options, endpoint);
    } catch (error) {
      lastError = error; // the free port may have been taken in between
    }
  }
  throw new Error(`${options.program} did not start in ${TRIES} tries; is it a working Redis 7 or newer?`, { cause: lastError });
}

async function startServer(options: RedisServerOptions, { port, password }: { port: number; password: string }): Promise<RedisServer> {
  const config = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${options.folder}"`,
    'save ""',
    `appendonly ${options.persistent ? 'yes' : 'no'}`,
    'maxmemory-policy noeviction',
  ];
  // Its own process group: Ctrl-C is for us, and we stop it last. The configuration comes by stdin, for it holds the password. No
  // environment: there are secrets in ours.
  const [program, ...args] = guarded([options.program, ...(options.args ?? []), '-'], options.folder);
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore', 'pipe'], detached: true, env: {} });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const watchdog = child.stdio?.[3] as Socket | undefined; // no pipes without free descriptors
  watchdog?.on('error', () => undefined); // it was killed, or there is none
  void ended.then(() => {
    process.off('exit', killWithUs);
    watchdog?.end('\n', () => watchdog.destroy());
  });
  child.stdin?.on('error', () => undefined); // it ended before it read: `ended` tells
  child.stdin?.end(`${config.join('\n')}\n`);

  const url = `redis://:${password}@127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    await endProcess(child, ended);
  };
  try {
    const pid = await serverPid(url, ended);
    if (pid !== child.pid) throw new Error(`port ${port} is served by process ${pid}, not by the server just started`);
    return { url, pid, ended, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What to run; on a machine without a shell the server alone. */
function guarded(command: readonly [string, ...string[]], folder: string): readonly [string, ...string[]] {
  try {
    accessSync(SHELL, constants.X_OK);
  } catch {
    return command;
  }
  return [SHELL, '-c', GUARDED, folder, ...command];
}

/** Asks the server for its own pid: another server may sit on the port. */
async function serverPid(url: string, ended: Promise<void>): Promise<number> {
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50, lazyConnect: true });
  redis.on('error', () => undefined); // not up yet; the deadline below tells
  let timer: NodeJS.Timeout | undefined;
  try {
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${READY_WITHIN_MS} ms`)), READY_WITHIN_MS);
      void ended.then(() => reject(new Error('the server ended at its start')));
    });
    const info = await Promise.race([redis.info('server'), deadline]);
    return Number(/process_id:(\d+)/.exec(info)?.[1]);
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}

async function endProcess(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
  await ended;
  clearTimeout(timer);
}
