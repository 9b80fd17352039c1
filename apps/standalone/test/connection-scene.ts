/**
 * For the tests of connections to Redis: each function breaks them in one way, and expects what
 * gateways and workers promise then.
 */

import { expect } from 'vitest';
import type { FaultStage, StagedSession } from './fault-stage.ts';
import type { RecordingClient } from './recording-client.ts';
import type { StagedRedis, WriteRefusal } from './staged-redis.ts';
import { type ConnectionRole, type LogLine, ofRole, type StagedRole } from './staged-role.ts';

/** The processes do not watch their connections. */
export const WATCH_OFF = { NODE_OPTIONS: `--import=${new URL('./watch-off.ts', import.meta.url).href}` };

interface Watched extends StagedSession {
  readonly viewer: RecordingClient;
}

export async function watchOne(stage: FaultStage): Promise<Watched> {
  const created = await stage.create();
  const viewer = stage.watch(created.ticket, 'websocket');
  await viewer.until(({ state }) => state === 'showing');
  return { ...created, viewer };
}

/** A session can be made, its polls go on, a notification is taken, and its viewer hears of it. */
export async function expectWork(stage: FaultStage, { instance, viewer }: Watched): Promise<void> {
  expect((await stage.call('GET', '/v1/sessions')).status).toBe(200);
  await stage.create();
  await instance.untilRequests(instance.requests.length + 2);
  instance.scan();
  await viewer.until(({ state }) => state === 'connected');
  await expect.poll(() => instance.deliveries.at(-1)?.status).toBe(200);
}

const said = ({ lines }: StagedRole, from: number): string[] =>
  lines()
    .slice(from)
    .filter(({ msg }) => msg.startsWith('redis'))
    .map(({ msg, role, queue, reason }) => [role, queue, reason ?? msg].filter(Boolean).join(' '));

/** Whether a line tells that a connection was lost, and one that it is back, and no other line of it. */
function expectOnePair(lines: readonly string[], connection: string): void {
  const own = lines.filter((line) => line.startsWith(connection));
  expect(own, connection).toHaveLength(2);
  expect(own[1]).toBe(`${connection} redis connection is back`);
}

const OF_GATEWAY = ['commands', 'producer', 'subscriber'] as const;

/** The gateway replaces the connection, and no other. */
export async function expectGatewayReplaces(stage: FaultStage, connection: (typeof OF_GATEWAY)[number]): Promise<void> {
  const session = await watchOne(stage);
  const [gateway] = stage.gateways;
  const from = gateway.lines().length;
  gateway.redis.freeze(ofRole(connection));
  expect((await gateway.untilReadyz(503)).text).toContain('Redis');
  await gateway.untilReadyz(200);
  await expectWork(stage, session);
  expectOnePair(said(gateway, from), connection);
  for (const other of OF_GATEWAY)
    if (other !== connection) expect(said(gateway, from).filter((line) => line.startsWith(other))).toEqual([]);
}

/** @param label what the log calls the connection */
export async function expectWorkerReplaces(stage: FaultStage, connection: ConnectionRole, label: string): Promise<void> {
  const session = await watchOne(stage);
  const [worker] = stage.workers;
  const from = worker.lines().length;
  worker.redis.freeze(ofRole(connection));
  expect((await worker.untilReadyz(503)).text).toContain('Redis');
  await worker.untilReadyz(200);
  await expectWork(stage, session);
  expectOnePair(said(worker, from), label);
}

export async function expectBothReplaceAll(stage: FaultStage): Promise<void> {
  const session = await watchOne(stage);
  const roles = [stage.gateways[0], stage.workers[0]];
  const from = roles.map((role) => role.lines().length);
  for (const role of roles) role.redis.freeze();
  await Promise.all(roles.map((role) => role.untilReadyz(503)));
  await stage.untilReady();
  await expectWork(stage, session);
  for (const [i, role] of roles.entries()) for (const connection of OF_GATEWAY) expectOnePair(said(role, from[i] ?? 0), connection);
}

const isNew = ({ lines }: StagedRole, line: LogLine, from = 0): boolean => lines().indexOf(line) >= from;

/** The server becomes a replica of `master`. Kept connections stay; new ones lead to the new master. */
export async function demote(stage: FaultStage, master: StagedRedis): Promise<void> {
  await master.admin.acl('SETUSER', 'default', `>${new URL(stage.redis.url).password}`); // a second password
  await master.replicaOf(stage.redis);
  await master.replicaOf(null);
  for (const role of [...stage.gateways, ...stage.workers]) role.redis.repoint(Number(new URL(master.url).port));
  await stage.redis.replicaOf(master);
}

/** Both move to the new master, and name the reason. */
export async function expectMove(stage: FaultStage, master: StagedRedis): Promise<void> {
  const session = await watchOne(stage);
  const roles = [stage.gateways[0], stage.workers[0]];
  const from = roles.map((role) => role.lines().length);
  await demote(stage, master);
  await Promise.all(roles.map((role) => role.untilLine(({ reason }) => reason === 'READONLY' || reason === 'UNBLOCKED')));
  await Promise.all(
    roles.map((role, i) => role.untilLine((line) => line.msg === 'redis connection is back' && isNew(role, line, from[i]))),
  );
  await stage.untilReady();
  await expectWork(stage, session);
  const [ofGateway = [], ofWorker = []] = roles.map((role, i) => said(role, from[i] ?? 0));
  expect(ofGateway.join()).toContain('READONLY');
  expect(ofWorker.join()).toMatch(/READONLY|UNBLOCKED/); // its blocking connections hear of the demotion first
}

/** Both are not ready, and name the word once, and once when it ends. */
export async function expectRefusalNamed(stage: FaultStage, word: WriteRefusal): Promise<void> {
  const session = await watchOne(stage);
  const roles = [stage.gateways[0], stage.workers[0]];
  const from = roles.map((role) => role.lines().length);
  await stage.redis.refuseWrites(word);
  for (const role of roles) expect((await role.untilReadyz(503)).text).toContain(word);
  await Promise.all(roles.map((role) => role.untilLine(({ reason }) => reason === word)));
  await stage.redis.acceptWrites();
  await stage.untilReady();
  await expectWork(stage, session);
  for (const [i, role] of roles.entries()) expect(said(role, from[i] ?? 0)).toEqual([word, 'redis accepts writes again']);
}
