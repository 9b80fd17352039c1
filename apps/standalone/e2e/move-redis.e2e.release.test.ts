/** OPERATING.md, "Move to another Redis": installations move with the sessions that are open. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openClusterStage } from '@qrcast/runtime/test/cluster-stage';
import { openTestReceiver, type Received, type TestReceiver } from '@qrcast/runtime/test/receiver';
import { openSentinelStage } from '@qrcast/runtime/test/sentinel-stage';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openProductStage, type ProductStage, sendCallbacksTo } from '../test/fault-stage.ts';
import { type RecordingClient, TRANSPORTS } from '../test/recording-client.ts';
import type { Environment } from '../test/role-process.ts';
import { openStagedRedis } from '../test/staged-redis.ts';

let releasers: Releasers;
beforeEach(() => {
  releasers = createReleasers();
});
afterEach(() => releasers.release());

const LASTING = { QRCAST_ATTEMPT_MS: '900000', QRCAST_CODE_TTL_MS: '20000' };

interface Watched {
  readonly stage: ProductStage;
  readonly viewers: readonly RecordingClient[];
  /** The person logs in, and every viewer is told. */
  login(): Promise<void>;
}

/** Two gateways, a worker, and a session with a viewer on each transport. */
async function openWatched(redisUrl: string, env: Environment = {}): Promise<Watched> {
  const stage = await openProductStage(redisUrl, { gateways: 2, env: { ...LASTING, ...env } });
  releasers.push('stage', () => stage.close());
  const { instance, ticket, session } = await stage.create();
  const viewers = TRANSPORTS.map((transport, i) => stage.watch(ticket, transport, i % 2));
  await Promise.all(viewers.map((viewer) => viewer.until(({ state }) => state === 'showing')));
  async function login(): Promise<void> {
    instance.scan();
    const told = await Promise.all(viewers.map((viewer) => viewer.until(({ state }) => state === 'connected')));
    expect(told.map(({ id }) => id)).toEqual(viewers.map(() => session.id));
    for (const viewer of viewers) expect(viewer.sessions().filter(({ state }) => state === 'ended')).toEqual([]);
  }
  return { stage, viewers, login };
}

const rolesOf = ({ gateways, workers }: ProductStage) => [...gateways, ...workers];

it('from one Redis to Sentinels: process by process, once the Sentinels watch it', async () => {
  const sentinels = await openSentinelStage();
  releasers.push('sentinels', () => sentinels.close());
  const { port } = await sentinels.master();
  const { stage, login } = await openWatched(`redis://:${sentinels.password}@127.0.0.1:${port}`);
  for (const role of rolesOf(stage)) {
    await role.stop();
    await role.restart({ REDIS_URL: sentinels.url });
    await role.untilReadyz(200);
  }
  await sentinels.failover();
  await login();
});

it('from one Redis to a cluster: all processes stop, redis-cli copies, and they start again', async () => {
  const redis = await openStagedRedis();
  releasers.push('redis', () => redis.close());
  const cluster = await openClusterStage();
  releasers.push('cluster', () => cluster.close());
  const receiver = await openTestReceiver();
  releasers.push('receiver', () => receiver.close());
  const { stage, login } = await openWatched(redis.url, { QRCAST_CALLBACK_HOSTS: receiver.url });
  await refuseCallback(stage, receiver);
  await Promise.all(rolesOf(stage).map((role) => role.stop()));
  const { port, password } = new URL(redis.url);
  await copy({ to: `127.0.0.1:${cluster.ports[0]}`, toPassword: cluster.password, from: `127.0.0.1:${port}`, fromPassword: password });
  for (const role of rolesOf(stage)) await role.restart({ REDIS_URL: cluster.url });
  await stage.untilReady();
  expect(await redis.admin.dbsize()).toBeGreaterThan(0); // the way back
  await redis.kill();
  receiver.answer(() => 204);
  await login();
  const [refused, again] = await receiver.until(2, isEnded);
  expect(again?.id).toBe(refused?.id);
});

const isEnded = ({ body }: Received): boolean => body.includes('session.ended');

/** The end of a session is told, and the receiver wants to hear it again in a while. */
async function refuseCallback(stage: ProductStage, receiver: TestReceiver): Promise<void> {
  receiver.answer(() => ({ status: 503, headers: { 'retry-after': '10' } }));
  await sendCallbacksTo(stage, receiver.url);
  const { session } = await stage.create();
  expect((await stage.call('DELETE', `/v1/sessions/${session.id}`)).status).toBe(204);
  await receiver.until(1, isEnded);
}

/** As the document says it: the passwords are on no command line. */
async function copy(ends: Readonly<Record<'to' | 'toPassword' | 'from' | 'fromPassword', string>>): Promise<void> {
  const args = ['--cluster', 'import', ends.to, '--cluster-from', ends.from, '--cluster-from-askpass', '--cluster-copy'];
  const child = spawn('redis-cli', args, {
    env: { PATH: process.env['PATH'], REDISCLI_AUTH: ends.toPassword },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  child.stdin.end(`${ends.fromPassword}\n`);
  const [status] = await once(child, 'close');
  expect(output).not.toMatch(/\[ERR\]|replied with error/);
  expect(status, output).toBe(0);
}
