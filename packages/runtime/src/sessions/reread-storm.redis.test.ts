/** Redis has come back, and a gateway has to read all the sessions that it watches. */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import type { Redis } from 'ioredis';
import { afterEach, expect, inject, it } from 'vitest';
import { type HoldingProxy, openHeldRuntime, openHoldingProxy } from '../../test/holding-proxy.ts';
import { sampleSession } from '../../test/runtime.ts';
import { REREADS_AT_ONCE } from './rereads.ts';
import { openRedisSessions } from './sessions-redis.ts';

const WATCHED = 450;
/** The command that reads a watched session. */
const READ = 'hmget';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** The bus connects through the proxy; the watched sessions have been read once. */
async function openScene(atOnce?: number) {
  const serverUrl = inject('serverUrl');
  const proxy = await openHoldingProxy(Number(new URL(serverUrl).port));
  const runtime = await openHeldRuntime(proxy, serverUrl);
  const sessions = openRedisSessions({ ...runtime, policy: DEFAULT_POLICY, rereadEveryMs: 3_600_000, rereads: { atOnce } });
  open.push(proxy, runtime, sessions);
  const all = Array.from({ length: WATCHED }, () => sampleSession());
  await Promise.all(all.map((session) => sessions.create(session, '')));
  const told = new Map<string, number>();
  const watches = all.map(({ id }) => sessions.watch(id, ({ session }) => void told.set(id, session.version)));
  await Promise.all(watches.map(({ first }) => first));
  return { proxy, runtime, sessions, all, told };
}

/** Reads that have come to Redis and are not answered, when all that was to be sent has been sent. */
async function underWay(proxy: HoldingProxy, before: number, ping: () => Promise<unknown>): Promise<number> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  const pings = proxy.count('ping');
  ping().catch(() => undefined); // its answer is held, too
  await proxy.until('ping', pings + 1); // the connection keeps the order
  return proxy.count(READ) - before;
}

it.each([
  ['no more than 100 at once', undefined, REREADS_AT_ONCE],
  ['(twin) all at once without the bound', Number.POSITIVE_INFINITY, WATCHED],
])('reads %s, and all of them in the end', async (_what, atOnce, expected) => {
  const { proxy, runtime, sessions, all, told } = await openScene(atOnce);
  const [connection] = runtime.bus.connections() as [Redis];
  const before = proxy.count(READ);
  connection.once('ready', () => proxy.hold(true));
  proxy.cut();
  await proxy.until(READ, before + 1);
  expect(await underWay(proxy, before, () => connection.ping())).toBe(expected);

  proxy.hold(false);
  await proxy.until(READ, before + WATCHED);
  const [last] = all.slice(-1);
  if (last === undefined) return expect.unreachable('there are several');
  const ended = await sessions.apply(last.id, { kind: 'cancelled', at: Date.now() });
  while (told.get(last.id) !== ended?.version) await nextTurn();
  expect(proxy.count(READ)).toBe(before + WATCHED);
});
