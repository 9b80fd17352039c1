/**
 * A private Redis for `start` and for tests: a real server found on PATH, on a free loopback port,
 * with a password, its data in one folder. It is a child of this process and ends with it, however
 * this process ends.
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
  /** Resolves when the process has ended for whatever reason. */
  readonly ended: Promise<void>;
  /** Sends SIGTERM, so that the server writes its data, and SIGKILL after 5 s. Idempotent. */
  close(): Promise<void>;
}

interface Endpoint {
  readonly port: number;
  readonly password: string;
}

export interface RedisServerOptions {
  /** The server's program. */
  readonly program: string;
  readonly args?: readonly string[];
  /**
   * The folder of its data, which must exist. If this process is killed, it is removed if empty.
   */
  readonly folder: string;
  /** Turns the append-only file on. Without it nothing survives a restart. */
  readonly persistent: boolean;
  /**
   * Port and password to use again, for example after a restart. The default is a free port and a
   * random password.
   */
  readonly endpoint?: Endpoint;
}

const SERVER_PROGRAMS = ['redis-server', 'valkey-server'];
const READY_WITHIN_MS = 10_000;
const KILL_AFTER_MS = 5_000;
const TRIES = 5;

const SHELL = '/bin/sh';
/**
 * Ends the server when this process is killed and cannot do it. The shell becomes the server, so
 * the server has the shell's pid. Beside it a watchdog reads descriptor 3. We write a line to it
 * when the server has ended, because its pid may then belong to another process. If the pipe closes
 * without a line, this process is gone: none of our children inherits our end, and the server does
 * not get the watchdog's. `$0` is the folder.
 *
 * A killed watchdog is not replaced. The server then outlives a killed process, as it does on a
 * machine without a shell, and the next `start` ends it.
 */
const GUARDED = '{ read -r _ <&3 || { kill -TERM $$; rmdir "$0"; }; } & exec "$@" 3<&-';

/** Returns the first Redis or Valkey server on PATH, or null if there is none. */
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
    const endpoint: Endpoint = options.endpoint ?? { port: await freePort(), password: randomBytes(24).toString('hex') };
    try {
      return await startServer(options, endpoint);
    } catch (error) {
      lastError = error; // another process may have taken the free port
    }
  }
  throw new Error(`${options.program} did not start in ${TRIES} tries; is it a working Redis 7 or newer?`, { cause: lastError });
}

async function startServer(options: RedisServerOptions, endpoint: Endpoint): Promise<RedisServer> {
  const { pid: childPid, ended, close } = spawnServer(options, endpoint);
  const { port, password } = endpoint;
  const url = `redis://:${password}@127.0.0.1:${port}`;
  try {
    const pid = await serverPid(url, ended);
    if (pid !== childPid) throw new Error(`port ${port} is served by process ${pid}, not by the server just started`);
    return { url, pid, ended, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function spawnServer(options: RedisServerOptions, { port, password }: Endpoint): GuardedProcess {
  const config = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${options.folder}"`,
    'save ""',
    `appendonly ${options.persistent ? 'yes' : 'no'}`,
    'auto-aof-rewrite-min-size 256mb', // with 64 MB, the default, a busy one would write its file anew all the time
    'maxmemory-policy noeviction',
  ];
  // The configuration goes through stdin, because it holds the password.
  return spawnGuarded([options.program, ...(options.args ?? []), '-'], options.folder, `${config.join('\n')}\n`);
}

interface GuardedProcess extends Pick<RedisServer, 'ended' | 'close'> {
  /** Undefined if it could not be started. */
  readonly pid: number | undefined;
}

/**
 * A child that ends with this process.
 * @param folder of its data
 */
export function spawnGuarded(command: readonly [string, ...string[]], folder: string, input: string): GuardedProcess {
  // Its own process group, because Ctrl-C is meant for us and we stop the server last. No
  // environment, because ours holds secrets.
  const [program, ...args] = guarded(command, folder);
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore', 'pipe'], detached: true, env: {} });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  const watchdog = child.stdio?.[3] as Socket | undefined; // undefined if no descriptors are free
  watchdog?.on('error', () => undefined); // the watchdog was killed, or there is none
  void ended.then(() => {
    process.off('exit', killWithUs);
    watchdog?.end('\n', () => watchdog.destroy());
  });
  child.stdin?.on('error', () => undefined); // the server ended before it read; `ended` reports that
  child.stdin?.end(input);
  return { pid: child.pid, ended, close: () => endProcess(child, ended) };
}

/** The command to run. On a machine without a shell it is the server itself. */
function guarded(command: readonly [string, ...string[]], folder: string): readonly [string, ...string[]] {
  try {
    accessSync(SHELL, constants.X_OK);
  } catch {
    return command;
  }
  return [SHELL, '-c', GUARDED, folder, ...command];
}

/** Asks the server for its pid, because another server may use the port. */
async function serverPid(url: string, ended: Promise<void>): Promise<number> {
  const redis = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50, lazyConnect: true });
  redis.on('error', () => undefined); // not started yet; the deadline below decides
  let timer: NodeJS.Timeout | undefined;
  try {
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${READY_WITHIN_MS} ms`)), READY_WITHIN_MS);
      void ended.then(() => reject(new Error('the server ended while starting')));
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
