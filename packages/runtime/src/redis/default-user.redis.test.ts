/** A Redis is restarted whose user `default` may write, or may not: redis/redis#14541. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createReleasers, type Releasers } from '../releasers.ts';
import { freePort } from './free-port.ts';
import { findRedisProgram, openRedisServer, type RedisServer } from './redis-server.ts';
import { defaultUserMayWrite, type Fields, infoOf } from './server-facts.ts';

const PASSWORD = 'a-password-of-both-users';
const SCRIPT = "redis.call('SET', KEYS[1], 'kept') return redis.call('SET', KEYS[2], 'kept')";

let releasers: Releasers;
let folder: string;
beforeEach(async () => {
  releasers = createReleasers();
  folder = await mkdtemp(join(tmpdir(), 'qrcast-users-'));
  releasers.push('folder', () => rm(folder, { recursive: true, force: true }));
});
afterEach(() => releasers.release());

interface Opened {
  readonly server: RedisServer;
  /** As the user of qrcast. */
  readonly redis: Redis;
}

async function open(port: number): Promise<Opened> {
  const program = findRedisProgram(process.env['PATH'] ?? '') ?? '';
  const args = ['--aclfile', join(folder, 'users')];
  const server = await openRedisServer({ program, args, folder, persistent: true, endpoint: { port, password: PASSWORD } });
  releasers.push('redis', () => server.close());
  const redis = new Redis({ port, username: 'qrcast', password: PASSWORD });
  releasers.push('connection', () => redis.disconnect());
  return { server, redis };
}

/** @returns whether `default` may write, and what is left of the keys of a script after a restart */
async function restart(rule: string): Promise<{ mayWrite: boolean | null; left: (string | null)[]; info: Fields | null }> {
  await writeFile(join(folder, 'users'), `user default on >${PASSWORD} ${rule}\nuser qrcast on >${PASSWORD} ~* &* +@all\n`);
  const port = await freePort();
  const { server, redis } = await open(port);
  const mayWrite = await defaultUserMayWrite(redis, 'qrcast');
  const info = await infoOf(redis);
  await redis.eval(SCRIPT, 2, '{qrcast}:a', '{qrcast}:b');
  redis.disconnect();
  await server.close();
  const again = await open(port);
  return { mayWrite, left: await again.redis.mget('{qrcast}:a', '{qrcast}:b'), info };
}

it('keeps what a script wrote if it may write', async () => {
  expect(await restart('~* &* +@all')).toMatchObject({ mayWrite: true, left: ['kept', 'kept'] });
});

it.each(['-@all +info', '~* &* +@all -@write', '~other:* &* +@all'])(
  'is told if it may not, and Redis 7 then loses that (twin): %s',
  async (rule) => {
    const { mayWrite, left, info } = await restart(rule);
    expect(mayWrite).toBe(false);
    if (info?.get('redis_version')?.startsWith('7.') === true && !info.has('valkey_version')) expect(left).toEqual([null, null]);
  },
);
