/** For the tests of clocks: sessions that are watched and polled, and what a set clock does to them. */

import { DEFAULT_NAMESPACE, wholeWork } from '@qrcast/runtime/redis/keys';
import type { TestReceiver } from '@qrcast/runtime/test/receiver';
import { expect } from 'vitest';
import { type FaultStage, type StagedSession, sendCallbacksTo } from './fault-stage.ts';
import type { RecordingClient } from './recording-client.ts';
import { TRANSPORTS } from './recording-client.ts';

export const HOUR_MS = 3_600_000;

/** The environment of a twin, whose processes have no clock that nobody sets. */
export const UNPROTECTED = { NODE_OPTIONS: `--import=${new URL('./unprotected-clock.ts', import.meta.url).href}` } as const;

export interface WatchedSession extends StagedSession {
  readonly viewer: RecordingClient;
}

/** Sessions that show a code, each with a viewer, over all transports. @param gateway of the viewers */
export async function watchSessions(stage: FaultStage, count: number, gateway = 0): Promise<readonly WatchedSession[]> {
  const made = await Promise.all(Array.from({ length: count }, () => stage.create()));
  const watched = made.map((one, i) => ({ ...one, viewer: stage.watch(one.ticket, TRANSPORTS[i % TRANSPORTS.length] ?? 'sse', gateway) }));
  await Promise.all(watched.map(({ viewer }) => viewer.until(({ state }) => state === 'showing')));
  return watched;
}

/** Resolves once each instance has had so many more requests. */
export async function untilPolled(sessions: readonly StagedSession[], times: number): Promise<void> {
  await Promise.all(sessions.map(({ instance }) => instance.untilRequests(instance.requests.length + times)));
}

/** One of two workers: no session ends, polls go on, and tickets stay valid. */
export async function expectNothingExpires(stage: FaultStage, count: number, byMs: number): Promise<void> {
  const sessions = await watchSessions(stage, count);
  await stage.workers[1]?.shiftClock(byMs);
  await untilPolled(sessions, 6);
  for (const { viewer } of sessions) {
    expect(viewer.last()?.state).toBe('showing');
    expect(viewer.heard.some(({ kind }) => kind === 'closing')).toBe(false);
  }
  const again = sessions.map(({ ticket }) => stage.watch(ticket, 'websocket'));
  await Promise.all(again.map((viewer) => viewer.until(({ state }) => state === 'showing')));
  sessions[0]?.instance.scan();
  await sessions[0]?.viewer.until(({ state }) => state === 'connected');
}

/** The only worker: its polls go on, and it stays ready. */
export async function expectPollsGoOn(stage: FaultStage, byMs: number): Promise<void> {
  const sessions = await watchSessions(stage, 5);
  await stage.workers[0].shiftClock(byMs);
  await untilPolled(sessions, 6);
  for (const { viewer } of sessions) expect(viewer.last()?.state).toBe('showing');
  expect((await stage.workers[0].readyz()).status).toBe(200);
}

/**
 * The only worker: a callback that was refused comes again at its time.
 *
 * @param stage its processes may call the receiver
 */
export async function expectCallbackAtItsTime(stage: FaultStage, receiver: TestReceiver, byMs: number): Promise<void> {
  const times: number[] = [];
  receiver.answer(() => (times.push(performance.now()) === 1 ? { status: 503, headers: { 'retry-after': '3' } } : 204));
  await sendCallbacksTo(stage, receiver.url);
  const [one] = await watchSessions(stage, 1);
  one?.instance.scan();
  // Set before, the clock would be the same when the time is chosen and when it is judged.
  const outbox = wholeWork(DEFAULT_NAMESPACE).outboxKey;
  await expect.poll(() => stage.redis.admin.zrange(outbox, '0', '-1')).toContainEqual(expect.stringContaining('due|deliver|'));
  await stage.workers[0].shiftClock(byMs);
  const [first, second] = await receiver.until(2);
  expect(second?.id).toBe(first?.id);
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(2_990);
}

/** A gateway keeps its viewers, takes and gives valid tickets, and tells the time of Redis. */
export async function expectGatewayKeepsTime(stage: FaultStage, byMs: number): Promise<void> {
  const sessions = await watchSessions(stage, 8);
  await stage.gateways[0].shiftClock(byMs);
  await untilPolled(sessions, 4);
  for (const { viewer } of sessions) expect(viewer.last()?.state).toBe('showing');

  const own = await stage.create(0);
  const others = await stage.create(1);
  const viewers = [...sessions, own, others].flatMap(({ ticket }) => [0, 1].map((gateway) => stage.watch(ticket, 'websocket', gateway)));
  await Promise.all(viewers.map((viewer) => viewer.until(({ state }) => state === 'showing')));
  expect(Math.abs(own.session.expiresAt - others.session.expiresAt)).toBeLessThan(HOUR_MS);
  expect(await offOf(stage, 0)).toBeLessThan(HOUR_MS);

  for (const { instance } of sessions) instance.scan();
  await Promise.all(sessions.map(({ viewer }) => viewer.until(({ state }) => state === 'connected')));
}

/** How far a new session of the gateway is from the time of Redis, ms. */
export async function offOf(stage: FaultStage, gateway: number): Promise<number> {
  const { session } = await stage.create(gateway);
  return Math.abs(session.serverNow - (await redisNow(stage)));
}

/** By the clock of Redis, Unix ms. */
async function redisNow({ redis }: FaultStage): Promise<number> {
  const [seconds] = await redis.admin.time();
  return Number(seconds) * 1_000;
}
