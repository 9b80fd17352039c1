/** OPERATING.md, "Back up and restore": an installation goes on from its backup at another server. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRedisProgram, openRedisServer, type RedisServer } from '@qrcast/runtime/redis/redis-server';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openProductStage, type ProductStage } from '../test/fault-stage.ts';
import { TRANSPORTS } from '../test/recording-client.ts';
import { openStagedRedis } from '../test/staged-redis.ts';

const LASTING = { QRCAST_ATTEMPT_MS: '900000', QRCAST_CODE_TTL_MS: '20000' };

let releasers: Releasers;
let folder: string;
beforeEach(async () => {
  releasers = createReleasers();
  folder = await mkdtemp(join(tmpdir(), 'qrcast-restored-'));
  releasers.push('folder', () => rm(folder, { recursive: true, force: true }));
});
afterEach(() => releasers.release());

const rolesOf = ({ gateways, workers }: ProductStage) => [...gateways, ...workers];

/** The same server again if it is given. */
async function openServer(persistent: boolean, before?: RedisServer): Promise<RedisServer> {
  const { port, password } = new URL(before?.url ?? 'redis://:@127.0.0.1:0');
  const endpoint = before === undefined ? {} : { endpoint: { port: Number(port), password } };
  const server = await openRedisServer({
    program: findRedisProgram(process.env['PATH'] ?? '') ?? 'redis-server',
    folder,
    persistent,
    ...endpoint,
  });
  releasers.push('server', () => server.close());
  return server;
}

const OPERATING = readFileSync(new URL('../../../OPERATING.md', import.meta.url), 'utf8');
const [, BACKUP_RULE = ''] = /^ACL SETUSER backup (on >.*)$/m.exec(OPERATING) ?? [];

/** As the document says it: while everything runs, by a user for it, and with the password on no command line. */
async function backUp(url: string): Promise<void> {
  const admin = new Redis(url);
  await admin.acl('SETUSER', 'backup', ...BACKUP_RULE.split(' '));
  admin.disconnect();
  const args = ['-h', '127.0.0.1', '-p', new URL(url).port, '--user', 'backup', '--rdb', join(folder, 'dump.rdb')];
  const child = spawn('redis-cli', args, { env: { PATH: process.env['PATH'], REDISCLI_AUTH: 'its-password' }, stdio: 'ignore' });
  const [status] = await once(child, 'close');
  expect(status).toBe(0);
}

/** As the document says it: the file is read by a server without an append-only file, which then begins one. */
async function restore(): Promise<RedisServer> {
  const server = await openServer(false);
  const admin = new Redis(server.url);
  await admin.config('SET', 'appendonly', 'yes');
  const isWritten = async (): Promise<boolean> => {
    const info = await admin.info('persistence');
    return ['aof_enabled:1', 'aof_rewrite_in_progress:0', 'aof_rewrite_scheduled:0'].every((word) => info.includes(word));
  };
  await expect.poll(isWritten).toBe(true);
  admin.disconnect();
  return server;
}

it('goes on with the sessions of the backup: their viewers come back, and see the login', async () => {
  const redis = await openStagedRedis(true);
  releasers.push('redis', () => redis.close());
  const stage = await openProductStage(redis.url, { gateways: 2, env: LASTING });
  releasers.push('stage', () => stage.close());
  const { instance, ticket, session } = await stage.create();
  const viewers = TRANSPORTS.map((transport, i) => stage.watch(ticket, transport, i % 2));
  await Promise.all(viewers.map((viewer) => viewer.until(({ state }) => state === 'showing')));
  await backUp(redis.url);
  const later = await stage.create();
  const shown = Math.max(...viewers.flatMap((viewer) => viewer.sessions().map(({ version }) => version)));
  await viewers[0]?.until(({ version }) => version > shown); // told what the backup does not know
  await Promise.all(rolesOf(stage).map((role) => role.stop()));
  await redis.kill();

  let server = await restore();
  for (const role of rolesOf(stage)) await role.restart({ REDIS_URL: server.url });
  await stage.untilReady();
  expect((await stage.call('GET', `/v1/sessions/${later.session.id}?visible=false`)).status).toBe(404); // it is not in the backup
  instance.scan();
  const told = await Promise.all(viewers.map((viewer) => viewer.until(({ state }) => state === 'connected')));
  expect(told.map(({ id }) => id)).toEqual(viewers.map(() => session.id));

  process.kill(server.pid, 'SIGKILL');
  await server.ended;
  server = await openServer(true, server); // what came after the restore is in the append-only file
  await stage.untilReady();
  const answer = await stage.call('GET', `/v1/sessions/${session.id}?visible=false`);
  expect(await answer.json()).toMatchObject({ session: { state: 'connected' } });
});

it('finds nothing if the server is started with its append-only file on (the trap that the document names)', async () => {
  const redis = await openStagedRedis(true);
  releasers.push('redis', () => redis.close());
  await redis.admin.set('kept', 'yes');
  await backUp(redis.url);
  const empty = new Redis((await openServer(true)).url);
  expect(await empty.dbsize()).toBe(0);
  empty.disconnect();
});
