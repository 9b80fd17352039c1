/** For tests: a Redis whose only usable user has the rule that OPERATING.md shows. */

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis/redis-server';
import { Redis } from 'ioredis';
import { TOP } from './documented-commands.ts';

const [RULE = [], CLUSTER_RULE = []] = [...readFileSync(`${TOP}OPERATING.md`, 'utf8').matchAll(/^ *ACL SETUSER (qrcast on >.*)$/gm)].map(
  ([, rule = '']) => rule.split(' '),
);

const withPassword = (rule: readonly string[], password: string): readonly string[] =>
  rule.map((part) => (part === '>the-password' ? `>${password}` : part));

/** What follows `ACL SETUSER` for a user on a cluster. Run it on every node. */
export const clusterUserRule = (password: string): readonly string[] => withPassword(CLUSTER_RULE, password);

export interface RedisOfUser {
  /** With the user's name and password. */
  readonly url: string;
  readonly password: string;
  /** The administrator's connection. */
  readonly admin: Redis;
  close(): Promise<void>;
}

/** @param change edits the rule of the document */
export async function openRedisOfUser(change: (rule: readonly string[]) => readonly string[] = (rule) => rule): Promise<RedisOfUser> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-user-'));
  const server = await openRedisServer({
    program: findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server',
    folder,
    persistent: false,
  });
  const admin = new Redis(server.url);
  const password = `${randomBytes(9).toString('base64')}:/@?#%&+ é`;
  await admin.call('ACL', 'SETUSER', ...withPassword(change(RULE), password));
  const url = new URL(server.url);
  return {
    url: `redis://qrcast:${encodeURIComponent(password)}@${url.host}`,
    password,
    admin,
    async close() {
      admin.disconnect();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
