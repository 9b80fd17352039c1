/**
 * The stage of the fault tests really breaks what it says it breaks. A tool that did nothing would
 * make every test that uses it pass.
 */

import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FaultStage, openFaultStage } from '../test/fault-stage.ts';
import { TRANSPORTS } from '../test/recording-client.ts';
import { openStagedRedis } from '../test/staged-redis.ts';
import { ofRole, type StagedRole } from '../test/staged-role.ts';

const HOUR_MS = 3_600_000;

/** Each test mends what it broke. */
let stage: FaultStage;
beforeAll(async () => {
  stage = await openFaultStage({ gateways: 2 });
});
afterAll(() => stage.close());

const opened: { close(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});
async function keep<T extends { close(): Promise<void> | void }>(opening: Promise<T>): Promise<T> {
  const one = await opening;
  opened.push(one);
  return one;
}

/** A connection through the proxy of a role, named as its own are. */
function connectThrough({ redis: { port } }: StagedRole, name: string): Redis {
  const url = new URL(stage.redis.url);
  url.port = String(port);
  const redis = new Redis(url.href, { connectionName: name });
  redis.on('error', () => undefined); // the tests look at what comes of it
  opened.push({ close: () => redis.disconnect() });
  return redis;
}

/** Whether the promise is still open after a round trip by another way. */
async function isOpen(promise: Promise<unknown>, roundTrip: () => Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  promise.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  for (let i = 0; i < 20; i++) await roundTrip();
  return !isSettled;
}

/** @returns the state of a process, as Linux names it: T is stopped */
const processState = (pid: number | undefined): string => /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? '';

describe('a viewer on the stage', () => {
  it.each(TRANSPORTS)('records all that it is told, comes back by itself, and ends when its session does: %s', async (transport) => {
    const { instance, ticket } = await stage.create();
    const viewer = stage.watch(ticket, transport);
    await viewer.until(({ state }) => state === 'showing');
    stage.gateways[0].front.cut();
    await viewer.untilHeard('opened', 2);
    instance.scan();
    await viewer.until(({ state }) => state === 'connected');
    await viewer.untilHeard('lost', 2);
    const urls = viewer.heard.flatMap((one) => (one.kind === 'opened' ? [one.url] : []));
    expect(urls.slice(0, 2)).toEqual(stage.gateways.map(({ url }) => url));
    const times = viewer.heard.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

describe('the connections of a role to Redis', () => {
  it('are known by their roles, and freeze by role: replies stop, and later connections work', async () => {
    const [worker] = stage.workers;
    const roles = ['commands', 'producer', 'subscriber', 'queue', 'blocking'] as const;
    for (const role of roles) expect(worker.redis.names().filter(ofRole(role)), role).not.toEqual([]);

    const [frozen, well] = [connectThrough(worker, 'qrcast-queue'), connectThrough(worker, 'qrcast-commands')];
    await Promise.all([frozen.ping(), well.ping()]);
    worker.redis.freeze(ofRole('queue'));
    expect(await isOpen(frozen.ping(), () => well.ping())).toBe(true);
    expect(frozen.status).toBe('ready'); // nobody has told it
    await connectThrough(worker, 'qrcast-queue').ping();
    worker.redis.cut(ofRole('queue'));
  });

  it('freeze all, new ones too, and go on with what was held back', async () => {
    const [gateway] = stage.gateways;
    const early = connectThrough(gateway, 'early');
    await early.ping();
    gateway.redis.freezeAll();
    const late = connectThrough(gateway, 'late');
    const written = early.set('held', 'back');
    const answers = Promise.all([written, late.ping()]);
    expect(await isOpen(answers, () => stage.redis.admin.ping())).toBe(true);
    expect(await stage.redis.admin.get('held')).toBeNull();
    gateway.redis.thaw();
    await answers;
    expect(await stage.redis.admin.get('held')).toBe('back');
  });

  it('are cut by role, delayed, throttled, refused and led elsewhere', async () => {
    const other = await keep(openStagedRedis());
    await other.admin.config('SET', 'requirepass', new URL(stage.redis.url).password);
    const [{ redis }] = stage.gateways;
    const [a, b] = [connectThrough(stage.gateways[0], 'a'), connectThrough(stage.gateways[0], 'b')];
    await Promise.all([a.set('who', 'first'), b.ping()]);

    const lost = new Promise((resolve) => a.once('close', resolve));
    redis.cut((name) => name === 'a');
    await lost;
    expect(b.status).toBe('ready');

    redis.delay(400);
    const startedAt = performance.now();
    await b.ping();
    expect(performance.now() - startedAt).toBeGreaterThan(790); // both ways
    redis.delay(0);

    redis.throttle(100_000);
    const throttledAt = performance.now();
    await b.set('long', 'x'.repeat(200_000));
    await b.ping();
    expect(performance.now() - throttledAt).toBeGreaterThan(1_000);
    redis.throttle(null);

    await other.admin.set('who', 'second');
    redis.repoint(Number(new URL(other.url).port));
    expect(await b.get('who')).toBe('first');
    redis.cut();
    expect(await a.get('who')).toBe('second');

    redis.refuse(true);
    redis.cut();
    await new Promise((resolve) => a.once('reconnecting', resolve));
    expect(redis.names()).toEqual([]);

    redis.repoint(Number(new URL(stage.redis.url).port));
    redis.refuse(false);
    expect(await a.get('who')).toBe('first');
    await stage.untilReady();
  });
});

describe('a process on the stage', () => {
  it('has a wall clock that can be shifted while it runs, and a monotonic one that cannot', async () => {
    const [gateway] = stage.gateways;
    const before = await gateway.shiftClock(0);
    const ahead = await gateway.shiftClock(2 * HOUR_MS);
    expect(ahead.wallMs - before.wallMs).toBeGreaterThan(1.9 * HOUR_MS);
    expect(ahead.monotonicMs - before.monotonicMs).toBeLessThan(0.1 * HOUR_MS);
    const behind = await gateway.shiftClock(-2 * HOUR_MS);
    expect(behind.wallMs - before.wallMs).toBeLessThan(-1.9 * HOUR_MS);
    await gateway.stop();
    expect(Date.parse(String(gateway.lines().at(-1)?.['time']))).toBeLessThan(before.wallMs - 1.9 * HOUR_MS);
    await gateway.restart();
    expect(Math.abs((await gateway.shiftClock(0)).wallMs - Date.now())).toBeLessThan(0.1 * HOUR_MS);
  });

  it('is killed and comes back at the same address, with its log', async () => {
    await stage.untilReady();
    for (const role of [stage.gateways[0], stage.workers[0]]) {
      const ups = (): number => role.lines().filter(({ msg }) => /gateway listens|worker is up/.test(msg)).length;
      const [before, upsBefore] = [role.pid(), ups()];
      await role.kill();
      expect(await role.readyz()).toEqual({ status: 0, text: '' });
      expect(() => process.kill(before ?? 0, 0)).toThrow('ESRCH');
      await role.restart();
      await role.untilReadyz(200);
      expect((await fetch(`${role.url}/healthz`)).status).toBe(200);
      expect(ups()).toBe(upsBefore + 1);
    }
  });

  it('freezes and thaws', async () => {
    const [gateway] = stage.gateways;
    gateway.freeze();
    await expect.poll(() => processState(gateway.pid())).toBe('T');
    gateway.thaw();
    await gateway.untilReadyz(200);
  });
});

describe('the Redis of the stage', () => {
  it('forgets what was written after it was saved', async () => {
    const redis = await keep(openStagedRedis());
    await redis.admin.set('version', '1');
    await redis.save();
    await redis.admin.set('version', '2');
    await redis.forget();
    expect(await redis.admin.get('version')).toBe('1');
  });

  it.each(['MISCONF', 'OOM', 'NOREPLICAS'] as const)('refuses writes with %s, until it accepts them again', async (word) => {
    const redis = await keep(openStagedRedis());
    await redis.refuseWrites(word);
    await expect(redis.admin.set('a', '1')).rejects.toThrow(word);
    await redis.acceptWrites();
    expect(await redis.admin.set('a', '1')).toBe('OK');
  });

  it('becomes a replica, and a master again', async () => {
    const [redis, master] = [await keep(openStagedRedis()), await keep(openStagedRedis())];
    await master.admin.set('of', 'the master');
    await redis.replicaOf(master);
    expect(await redis.admin.get('of')).toBe('the master');
    await expect(redis.admin.set('a', '1')).rejects.toThrow('READONLY');
    await redis.replicaOf(null);
    expect(await redis.admin.set('a', '1')).toBe('OK');
  });

  it('freezes, is killed, and restarts at the same address', async () => {
    const redis = await keep(openStagedRedis());
    const other = await keep(openStagedRedis());
    await redis.admin.set('a', '1');
    redis.freeze();
    const answer = redis.admin.ping();
    expect(await isOpen(answer, () => other.admin.ping())).toBe(true);
    redis.thaw();
    expect(await answer).toBe('PONG');
    await redis.kill();
    await redis.restart();
    expect(await redis.admin.get('a')).toBeNull();
  });
});
