/**
 * For fault tests: a real Redis server of its own that freezes, dies, forgets, refuses writes, and
 * becomes a replica.
 */

import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findRedisProgram, openRedisServer, type RedisServer } from '@qrcast/runtime/redis/redis-server';
import { Redis } from 'ioredis';

/** Redis's words for a write that it does not take. */
export type WriteRefusal = 'MISCONF' | 'OOM' | 'NOREPLICAS';

export interface StagedRedis {
  readonly url: string;
  /** A direct connection, for any command. */
  readonly admin: Redis;
  /** Keeps what there is now, for `forget`. */
  save(): Promise<void>;
  /** Goes back to what was saved last, as a restored snapshot or a lagging replica does. */
  forget(): Promise<void>;
  refuseWrites(word: WriteRefusal): Promise<void>;
  acceptWrites(): Promise<void>;
  /** Becomes a replica, and resolves once it has the master's data. Null makes it a master again. */
  replicaOf(master: StagedRedis | null): Promise<void>;
  /** SIGSTOP, and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL. Without the append-only file, nothing survives it but what was saved. */
  kill(): Promise<void>;
  /** At the same address. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/**
 * `DEBUG RELOAD`, and `CONFIG SET dir`, are off by default. A replica would wait 5 s for others that
 * might want the same data.
 */
const ARGS = ['--enable-debug-command', 'yes', '--enable-protected-configs', 'yes', '--repl-diskless-sync-delay', '0'];
const LOOK_AGAIN_MS = 20;

/** @param persistent whether it writes an append-only file */
// One closure: its methods share the server that runs now.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each thing that a test does to its Redis.
export async function openStagedRedis(persistent = false): Promise<StagedRedis> {
  const program = findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server';
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-stage-'));
  let server: RedisServer = await openRedisServer({ program, folder, args: ARGS, persistent });
  const { url } = server;
  const { port, password } = new URL(url);
  const admin = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => LOOK_AGAIN_MS });
  admin.on('error', () => undefined); // it is killed or restarts; the connection comes back by itself

  /** Does nothing if the server has ended. */
  function signal(name: NodeJS.Signals): void {
    try {
      process.kill(server.pid, name);
    } catch {
      // ESRCH
    }
  }

  async function untilInfo(section: string, words: string): Promise<void> {
    while (!(await admin.info(section)).includes(words)) await delay(LOOK_AGAIN_MS);
  }

  /** A save fails, because the folder is gone. */
  async function failSaves(): Promise<void> {
    const gone = join(folder, 'gone');
    await mkdir(gone, { recursive: true });
    await admin.config('SET', 'dir', gone);
    await rmdir(gone);
    await admin.config('SET', 'save', '3600 1'); // without it a failed save refuses no writes
    await admin.bgsave();
    await untilInfo('persistence', 'rdb_last_bgsave_status:err');
  }

  return {
    url,
    admin,
    async save() {
      await admin.save();
    },
    async forget() {
      await admin.call('DEBUG', 'RELOAD', 'NOSAVE');
    },
    async refuseWrites(word) {
      if (word === 'MISCONF') await failSaves();
      if (word === 'OOM') await admin.config('SET', 'maxmemory', '1');
      if (word === 'NOREPLICAS') await admin.config('SET', 'min-replicas-to-write', '1');
    },
    async acceptWrites() {
      await admin.config('SET', 'maxmemory', '0');
      await admin.config('SET', 'min-replicas-to-write', '0');
      await admin.config('SET', 'save', '');
      await admin.config('SET', 'dir', folder);
    },
    async replicaOf(master) {
      if (master === null) {
        await admin.replicaof('NO', 'ONE');
        return;
      }
      const { port: masterPort, password: masterPassword } = new URL(master.url);
      await admin.config('SET', 'masterauth', masterPassword);
      await admin.replicaof('127.0.0.1', masterPort);
      await untilInfo('replication', 'master_link_status:up');
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async kill() {
      signal('SIGKILL');
      await server.ended;
    },
    async restart() {
      server = await openRedisServer({ program, folder, args: ARGS, persistent, endpoint: { port: Number(port), password } });
    },
    async close() {
      admin.disconnect();
      signal('SIGCONT'); // a stopped process takes no SIGTERM
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
