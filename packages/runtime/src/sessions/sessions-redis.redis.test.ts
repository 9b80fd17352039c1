import { readFileSync } from 'node:fs';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import { Command, type Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { openTestProxy } from '../../test/proxy.ts';
import { openTestRuntime, sampleSession, type TestRuntime } from '../../test/runtime.ts';
import { describeSessions } from '../../test/sessions-contract.ts';
import { openConnections } from '../redis/connections.ts';
import { sessionChannel, sessionKey } from '../redis/keys.ts';
import { openBus } from '../redis/open-bus.ts';
import type { WatchedState } from './published-state.ts';
import type { Sessions } from './sessions.ts';
import { openRedisSessions } from './sessions-redis.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const provenEvery = (ms: number | undefined) => (ms === undefined ? undefined : { proveEveryMs: ms, silentMs: ms, followsErrors: true });

/** Of the subscriptions. */
function connectionOf({ bus }: TestRuntime): Redis {
  const [connection] = bus.connections();
  if (connection === undefined) throw new Error('the bus has no connection');
  return connection;
}

function openProcess(
  namespace?: string,
  options: { rereadEveryMs?: number; probeEveryMs?: number; redisUrl?: string } = {},
): { runtime: TestRuntime; sessions: Sessions } {
  const runtime = openTestRuntime(options.redisUrl ?? inject('redisUrl'), namespace, provenEvery(options.probeEveryMs));
  const { rereadEveryMs } = options;
  const sessions = openRedisSessions({ ...runtime, policy: DEFAULT_POLICY, ...(rereadEveryMs === undefined ? {} : { rereadEveryMs }) });
  open.push(runtime, sessions);
  return { runtime, sessions };
}

describeSessions('in Redis', async () => {
  const { runtime, sessions } = openProcess();
  return { here: sessions, there: openProcess(runtime.namespace).sessions, close: async () => undefined };
});

describe('Sessions in Redis', () => {
  it('expires a record an hour after its session', async () => {
    const { runtime, sessions } = openProcess();
    const session = sampleSession();
    await sessions.create(session, 'sealed');
    expect(await runtime.redis.pexpiretime(sessionKey(runtime.namespace, session.id))).toBe(session.expiresAt + 3_600_000);
    await sessions.apply(session.id, { kind: 'watched', at: Date.now() });
    expect(await runtime.redis.pexpiretime(sessionKey(runtime.namespace, session.id))).toBe(session.expiresAt + 3_600_000);
  });

  it('creates a session once though Redis runs the write twice, as after a reconnect, and no second of its id', async () => {
    const { runtime, sessions } = openProcess();
    const session = sampleSession();
    await runtime.redis.script('LOAD', readFileSync(new URL('./session-commit-3.lua', import.meta.url), 'utf8'));
    const send = (runtime.redis as Redis).sendCommand.bind(runtime.redis);
    vi.spyOn(runtime.redis as Redis, 'sendCommand').mockImplementation((command, ...rest) => {
      if (command.name === 'evalsha') void send(new Command(command.name, command.args as string[])); // as it was given
      return send(command, ...rest);
    });
    await sessions.create(session, 'sealed');
    expect(await sessions.readSealed(session.id)).toBe('sealed');
    await expect(sessions.create(session, 'other')).rejects.toThrow('exists already');
    expect(await sessions.readSealed(session.id)).toBe('sealed');
  });

  it('catches up after its subscription connection was killed, without a new message', async () => {
    const writer = openProcess();
    const reader = openProcess(writer.runtime.namespace, { rereadEveryMs: 3_600_000 });
    const session = sampleSession();
    await writer.sessions.create(session, '');
    const { promise, resolve } = Promise.withResolvers<WatchedState>();
    const watch = reader.sessions.watch(session.id, resolve);
    await watch.first;

    // The change falls into the gap: it is published while we are not subscribed.
    await reader.runtime.redis.call('CLIENT', 'KILL', 'ID', String(await connectionOf(reader.runtime).client('ID')));
    await writer.sessions.apply(session.id, { kind: 'cancelled', at: Date.now() });
    expect((await promise).session.state.kind).toBe('ended');
    watch.close();
  });

  it.each([
    { probeEveryMs: 100, repaired: true },
    { probeEveryMs: 3_600_000, repaired: false }, // without probes nothing repairs it
  ])(
    'a subscription whose connection froze is repaired by probes every $probeEveryMs ms: $repaired',
    async ({ probeEveryMs, repaired }) => {
      const writer = openProcess(undefined, { redisUrl: inject('serverUrl') });
      const proxy = await openTestProxy(Number(new URL(writer.runtime.redisUrl).port));
      open.push(proxy);
      const throughProxy = new URL(writer.runtime.redisUrl);
      throughProxy.port = String(proxy.port);
      const { redis, namespace, log, meters } = writer.runtime;
      const connections = openConnections({ redisUrl: throughProxy.href, namespace, log, meters, watchOptions: provenEvery(probeEveryMs) });
      const bus = openBus({ redis, connections, namespace, log, meters });
      const sessions = openRedisSessions({ redis, bus, namespace, log, meters, policy: DEFAULT_POLICY, rereadEveryMs: 3_600_000 });
      open.push(bus, sessions);
      const session = sampleSession();
      await writer.sessions.create(session, '');
      const { promise, resolve } = Promise.withResolvers<string>();
      const watch = sessions.watch(session.id, (snapshot) => resolve(snapshot.session.state.kind));
      await watch.first;

      proxy.freeze();
      await writer.sessions.apply(session.id, { kind: 'cancelled', at: Date.now() });
      if (repaired) {
        expect(await promise).toBe('ended');
      } else {
        // Ten probe periods of the case above pass, measured by messages of the same machine.
        await expect(bus.probe(1_000)).rejects.toThrow('did not come back');
        expect(await Promise.race([promise, 'silent'])).toBe('silent');
      }
      watch.close();
    },
  );

  it('reads watched sessions again at an interval', async () => {
    const writer = openProcess();
    const reader = openProcess(writer.runtime.namespace, { rereadEveryMs: 50, probeEveryMs: 3_600_000 });
    const session = sampleSession();
    await writer.sessions.create(session, '');
    const { promise, resolve } = Promise.withResolvers<WatchedState>();
    const watch = reader.sessions.watch(session.id, resolve);
    await watch.first;
    // The server drops the subscription. The connection stays and looks healthy.
    await connectionOf(reader.runtime).unsubscribe(sessionChannel(reader.runtime.namespace, session.id));
    await writer.sessions.apply(session.id, { kind: 'cancelled', at: Date.now() });
    expect((await promise).session.state.kind).toBe('ended');
    watch.close();
  });

  it('reads a session of which it hears newer states no more often than it must', async () => {
    const writer = openProcess();
    const { runtime, sessions } = openProcess(writer.runtime.namespace, { rereadEveryMs: 500 });
    const reads = vi.spyOn(runtime.bus, 'readAfter');
    const readsOf = ({ id }: Session): number =>
      reads.mock.calls.filter(([channel]) => channel === sessionChannel(runtime.namespace, id)).length;
    const [busy, silent] = [sampleSession(), sampleSession()];
    for (const session of [busy, silent]) await writer.sessions.create(session, '');
    const watches = [busy, silent].map(({ id }) => sessions.watch(id, () => undefined));
    await Promise.all(watches.map(({ first }) => first));
    await writer.sessions.apply(busy.id, { kind: 'watched', at: Date.now() });
    for (let n = 0; readsOf(silent) < 8; n++) {
      const outcome = { kind: 'code', digest: `code ${n}`, image: `data:image/png;base64,${n}`, text: null } as const;
      await writer.sessions.apply(busy.id, { kind: 'answered', at: Date.now(), startedAt: Date.now() + n, jitter: 0, outcome });
    }
    expect(readsOf(busy)).toBeLessThan(4); // at the start, at a random time soon after it, and perhaps after a pause of the machine
    for (const watch of watches) watch.close();
  });

  it('ignores an older change, which a slow publisher or a replay could bring', async () => {
    const { runtime, sessions } = openProcess();
    const session = sampleSession();
    await sessions.create(session, '');
    const seen: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch = sessions.watch(session.id, (snapshot) => {
      seen.push(snapshot.session.version);
      if (snapshot.session.state.kind === 'ended') resolve();
    });
    await watch.first;
    const watched = await sessions.apply(session.id, { kind: 'watched', at: Date.now() });
    await runtime.redis.publish(sessionChannel(runtime.namespace, session.id), JSON.stringify(session));
    const cancelled = await sessions.apply(session.id, { kind: 'cancelled', at: Date.now() });
    await promise;
    expect(seen).toEqual([watched?.version, cancelled?.version]);
    watch.close();
  });
});
