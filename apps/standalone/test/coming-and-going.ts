/**
 * For leak tests: a round of all that happens to a gateway and a worker. Sessions with viewers over
 * every transport begin, log in, end and are deleted, while connections break.
 */

import type { TestReceiver } from '@qrcast/runtime/test/receiver';
import { expect } from 'vitest';
import type { FaultStage, StagedSession } from './fault-stage.ts';
import { type RecordingClient, TRANSPORTS } from './recording-client.ts';
import { type ConnectionRole, type LogLine, ofRole } from './staged-role.ts';

/** The tenant gets callbacks, its notifications are passed on, and its instances are checked. */
export async function subscribeTenant(stage: FaultStage, { url }: TestReceiver): Promise<void> {
  const response = await fetch(`${stage.gateways[0].url}/v1/admin/tenants/acme`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${stage.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ callback: { url: `${url}/callback` }, relay: { url: `${url}/relay` }, checkConnectedEvery: 15 }),
  });
  expect(response.status).toBe(200);
}

/** What breaks in a round: all connections to Redis are cut, or those of one role freeze. */
export type Harm = 'cut' | ConnectionRole;

export interface Round {
  readonly sessions: number;
  readonly harm: Harm;
}

/** Resolves when all sessions are deleted and all viewers are gone. */
export async function runRound(stage: FaultStage, { sessions, harm }: Round): Promise<void> {
  const watched = await Promise.all(Array.from({ length: sessions }, () => watchOne(stage)));
  const unwatched = await stage.create();
  await breakConnections(stage, harm);
  await Promise.all(watched.map((one, i) => endOne(stage, one, i % 2 === 0 ? 'login' : 'deletion')));
  await tryBadCredentials(stage, unwatched);
  for (const { session } of [...watched, unwatched]) await stage.call('DELETE', `/v1/sessions/${session.id}`);
}

interface Watched extends StagedSession {
  readonly viewers: readonly RecordingClient[];
}

async function watchOne(stage: FaultStage): Promise<Watched> {
  const created = await stage.create();
  const viewers = TRANSPORTS.map((transport) => stage.watch(created.ticket, transport));
  await Promise.all(viewers.map(({ until }) => until(({ state }) => state === 'showing')));
  return { ...created, viewers };
}

async function breakConnections(stage: FaultStage, harm: Harm): Promise<void> {
  const [gateway, worker] = [stage.gateways[0], stage.workers[0]];
  const from = worker.lines().length;
  for (const { redis } of [gateway, worker]) {
    if (harm === 'cut') redis.cut();
    else redis.freeze(ofRole(harm));
  }
  gateway.front.cut();
  // Frozen connections are noticed and replaced.
  if (harm !== 'cut') await worker.untilLine((line) => isBack(line, harm) && worker.lines().indexOf(line) >= from);
  await stage.untilReady();
}

const isBack = ({ msg, role }: LogLine, harm: Harm): boolean => msg === 'redis connection is back' && role === harm;

/** Half of the viewers leave before the end comes. */
async function endOne(stage: FaultStage, { instance, session, viewers }: Watched, how: 'login' | 'deletion'): Promise<void> {
  const [stay, leave] = [viewers.slice(0, 2), viewers.slice(2)];
  await Promise.all(leave.map((viewer) => viewer.close()));
  if (how === 'login') {
    instance.scan();
    await Promise.all(stay.map(({ until }) => until(({ state }) => state === 'connected')));
  } else {
    expect((await stage.call('DELETE', `/v1/sessions/${session.id}`)).status).toBe(204);
    await Promise.all(stay.map(({ until }) => until(({ state }) => state === 'ended')));
  }
  await Promise.all(stay.map((viewer) => viewer.close()));
}

/** Credentials that are refused, a revoked ticket, and a notification that is none. */
async function tryBadCredentials(stage: FaultStage, { session }: StagedSession): Promise<void> {
  const made = await stage.call('POST', `/v1/sessions/${session.id}/tickets`, {});
  const { ticketId } = (await made.json()) as { ticketId: string };
  expect((await stage.call('DELETE', `/v1/tickets/${ticketId}`)).status).toBe(204);
  const stranger = stage.watch('no ticket', 'sse');
  await stranger.untilHeard('lost');
  await stranger.close();
  expect((await fetch(`${stage.gateways[0].url}/v1/webhooks/green-api/acme`, { method: 'POST', body: '{}' })).status).toBe(401);
}
