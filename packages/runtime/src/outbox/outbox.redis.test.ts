import { callbackSchema } from '@qrcast/core/callback';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { openRedisMonitor } from '../../test/monitor.ts';
import { redisNow } from '../../test/redis-time.ts';
import { openTestRuntime, sampleSession, type TestRuntime } from '../../test/runtime.ts';
import { prepareWallClock } from '../../test/wall-clock.ts';
import { outboxOf, scoreOfMark, setMark } from '../../test/work-part.ts';
import { sessionCallbacksKey } from '../redis/keys.ts';
import { workParts } from '../redis/work-parts.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { openRedisSessions } from '../sessions/sessions-redis.ts';
import { type DueMark, sessionMark } from './marks.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { type ClaimedMark, createOutboxClaims, type OutboxClaims } from './outbox-claims.ts';

const wallClock = prepareWallClock();
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

interface Process {
  readonly runtime: TestRuntime;
  readonly outbox: Outbox;
  readonly claims: OutboxClaims;
  readonly sessions: Sessions;
  /** Claims from all parts of the outbox. */
  claim(limit: number, aheadMs: number): Promise<readonly ClaimedMark[]>;
}

function openProcess(namespace?: string, redisUrl = inject('redisUrl')): Process {
  const runtime = openTestRuntime(redisUrl, namespace);
  const sessions = openRedisSessions({ ...runtime, policy: DEFAULT_POLICY });
  open.push(runtime, sessions);
  const claims = createOutboxClaims(runtime);
  return {
    runtime,
    outbox: createOutbox(runtime),
    claims,
    sessions,
    claim: async (limit, aheadMs) =>
      (await Promise.all(workParts(runtime.namespace, runtime.redis).map((part) => claims.claim(part, limit, aheadMs)))).flat(),
  };
}

describe('a change with a callback', () => {
  it('is stored with the change, once, and marked', async () => {
    const { runtime, claim, sessions } = openProcess();
    const session = sampleSession();
    await sessions.create(session, '');
    expect(await runtime.redis.exists(outboxOf(runtime, `session|${session.id}`))).toBe(0);
    await sessions.apply(session.id, { kind: 'cancelled', at: Date.now() });
    await sessions.apply(session.id, { kind: 'cancelled', at: Date.now() }); // changes nothing

    const stored = await runtime.redis.lrange(sessionCallbacksKey(runtime.namespace, session.id), 0, -1);
    expect(stored.map((text) => callbackSchema.parse(JSON.parse(text)).type)).toEqual(['session.ended']);
    expect(await claim(10, 0)).toMatchObject([{ mark: sessionMark(session.id), isNew: true }]);
  });

  it('of many processes at once is stored by the one whose change is accepted', async () => {
    const all = [openProcess()];
    for (let i = 0; i < 4; i++) all.push(openProcess(all[0]?.runtime.namespace));
    const session = sampleSession();
    await all[0]?.sessions.create(session, '');
    await Promise.all(all.map(({ sessions }, i) => sessions.apply(session.id, { kind: 'cancelled', at: Date.now() + i })));
    const runtime = all[0]?.runtime as TestRuntime; // pushed above
    expect(await runtime.redis.llen(sessionCallbacksKey(runtime.namespace, session.id))).toBe(1);
  });

  it('is never without a mark: the mark reaches Redis before the change', async () => {
    const { runtime, sessions } = openProcess(undefined, inject('serverUrl'));
    const session = sampleSession();
    await sessions.create(session, '');
    const monitor = await openRedisMonitor([inject('serverUrl')]);
    const seen: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    monitor.on('monitor', (_time: string, [command = '', key = '', ...rest]: string[]) => {
      if (!/^(zadd|evalsha|eval)$/i.test(command)) return;
      if (![key, ...rest].some((word) => word.startsWith(runtime.namespace))) return; // of another test
      if (command.toLowerCase() === 'zadd' && key !== outboxOf(runtime, `session|${session.id}`)) return;
      seen.push(command.toLowerCase());
      if (command.toLowerCase() !== 'zadd') resolve();
    });
    await sessions.apply(session.id, { kind: 'cancelled', at: Date.now() });
    await promise;
    expect(seen[0]).toBe('zadd');
    monitor.disconnect();
  });
});

describe('marks', () => {
  it('are claimed by one process, and become due again when its lease ends', async () => {
    const { runtime, outbox, claim } = openProcess();
    const other = openProcess(runtime.namespace);
    await outbox.mark(sessionMark('ses_1'));
    expect(await claim(10, 0)).toHaveLength(1);
    expect(await other.claim(10, 0)).toEqual([]);
    await setMark(runtime, 'session|ses_1'); // as if the lease had passed
    expect(await other.claim(10, 0)).toMatchObject([{ isNew: false }]);
  });

  it('that are set again while they are processed stay', async () => {
    const { runtime, outbox, claims, claim } = openProcess();
    await outbox.mark(sessionMark('ses_1'));
    const [claimed] = await claim(10, 0);
    if (claimed === undefined) throw new Error('nothing was claimed');
    await outbox.mark(sessionMark('ses_1'));
    await claims.settle(claimed, null);
    const [again] = await claim(10, 0);
    expect(again).toMatchObject({ isNew: true });
    if (again !== undefined) await claims.settle(again, null); // twin: a mark that was not set again is removed
    expect(await runtime.redis.zcard(outboxOf(runtime, 'session|ses_1'))).toBe(0);
  });

  it('that are postponed become due at that time', async () => {
    const { runtime, outbox, claims, claim } = openProcess();
    await outbox.mark({ kind: 'relay', tenantId: 'acme', instanceId: '1101' });
    const [claimed] = await claim(10, 0);
    if (claimed === undefined) throw new Error('nothing was claimed');
    await claims.settle(claimed, 3_600_000);
    const dueIn = Number(await scoreOfMark(runtime, 'relay|acme|1101')) - (await redisNow(runtime.redis));
    expect(dueIn).toBeGreaterThan(3_000_000);
    expect(dueIn).toBeLessThanOrEqual(3_600_000);
    expect(await claim(10, 0)).toEqual([]);
  });

  it('of an unknown kind do not stop others', async () => {
    const { runtime, outbox, claim } = openProcess();
    await runtime.redis.zadd(outboxOf(runtime, 'session|ses_1'), 0, 'another version|1');
    await outbox.mark(sessionMark('ses_1'));
    expect(await claim(10, 0)).toMatchObject([{ mark: sessionMark('ses_1') }]);
    expect(await runtime.redis.zcard(outboxOf(runtime, 'session|ses_1'))).toBe(2);
  });
});

describe('work that waits for its time', () => {
  const work: DueMark = { kind: 'due', job: 'deliver', tenantId: 'acme', id: 'evt_1' };

  it('comes when it is due by the clock of Redis, whatever the clock of the machine says', async () => {
    const { claims, claim } = openProcess();
    await claims.putOff(work, 50);
    wallClock.shift(-120_000);
    let [claimed] = await claim(10, 0);
    while (claimed === undefined) [claimed] = await claim(10, 0);
    expect(claimed).toMatchObject({ mark: work, isNew: false, dueInMs: 0 });

    await claims.putOff(work, 3_600_000);
    wallClock.shift(7_200_000);
    expect(await claim(10, 0)).toEqual([]);
  });

  it('can be claimed ahead of its time, and says when that is', async () => {
    const { claims, claim } = openProcess();
    await claims.putOff(work, 100_000);
    expect(await claim(10, 90_000)).toEqual([]);
    const [claimed] = await claim(10, 110_000);
    expect(claimed?.dueInMs).toBeGreaterThan(50_000);
    expect(claimed?.dueInMs).toBeLessThanOrEqual(100_000);
  });

  it('waits until it is cleared', async () => {
    const { claims } = openProcess();
    expect(await claims.waits(work)).toBe(false);
    await claims.putOff(work, 1_000);
    expect(await claims.waits(work)).toBe(true);
    await claims.clear(work);
    expect(await claims.waits(work)).toBe(false);
  });
});
