/** Connections that are dead, lead to a replica, or get their writes refused. Real servers and TCP. */

import { mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as immediate } from 'node:timers/promises';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { openTestProxy, type TestProxy } from '../../test/proxy.ts';
import { createLog } from '../log.ts';
import { createMeters } from '../metrics/meters.ts';
import { type Node, openNode } from '../node.ts';
import type { WatchOptions } from './connection-watch.ts';
import { openConnections } from './connections.ts';
import { disconnectRedis } from './redis.ts';
import { findRedisProgram, openRedisServer } from './redis-server.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});
function keep<T extends { close(): Promise<void> }>(one: T): T {
  open.push(one);
  return one;
}

/** Quick, so that the tests are. A proof of readiness takes a second, and has to fail before. */
const QUICK: WatchOptions = { proveEveryMs: 50, silentMs: 2_500, followsErrors: true };
/** For the twins: nobody watches. */
const OFF: WatchOptions = { proveEveryMs: 3_600_000, silentMs: 3_600_000, followsErrors: false };

interface Stage {
  readonly node: Node;
  readonly proxy: TestProxy;
  /** What was logged of connections: role, queue, and reason or message. */
  readonly said: string[];
}

/** A node behind a proxy, with a consumer of polls. */
async function openStage(redisUrl: string, watchOptions: WatchOptions): Promise<Stage> {
  const url = new URL(redisUrl);
  const proxy = keep(await openTestProxy(Number(url.port)));
  url.port = String(proxy.port);
  const said: string[] = [];
  const write = (line: string): void => {
    const { role, queue, reason, msg } = JSON.parse(line);
    if (msg.startsWith('redis')) said.push([role, queue, reason ?? msg].filter(Boolean).join(' '));
  };
  const log = createLog('test', 'info', { write });
  const namespace = `test-${String(Math.random()).slice(2)}`;
  const node = keep(await openNode({ redisUrl: url.href, namespace, policy: DEFAULT_POLICY, watchOptions, log }));
  const handlers = { poll: async () => ({ nextAt: null }), unwatched: async () => undefined };
  const consumer = await node.queue.consume(handlers, { concurrency: 10 });
  keep({ close: () => consumer.close(0) });
  await untilReady(node);
  return { node, proxy, said };
}

interface OwnRedis {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  readonly admin: Redis;
}

async function openOwnRedis(): Promise<OwnRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-connections-'));
  keep({ close: () => rm(folder, { recursive: true, force: true }) });
  const program = findRedisProgram(process.env['PATH'] ?? '') ?? '';
  const { url } = keep(await openRedisServer({ program, folder, persistent: false }));
  const admin = new Redis(url);
  keep({ close: async () => admin.disconnect() });
  return { url, port: Number(new URL(url).port), folder, admin };
}

/** Null: it is ready. */
const reasonOf = (node: Node): Promise<string | null> =>
  node.ready().then(
    () => null,
    (error: Error) => error.message,
  );
async function untilReady(node: Node): Promise<void> {
  while ((await reasonOf(node)) !== null) await immediate();
}
async function untilReason(node: Node, words: string): Promise<void> {
  while (!(await reasonOf(node))?.includes(words)) await immediate();
}

const BACK = 'redis connection is back';

describe('a connection whose other end vanished', () => {
  it.each([
    ['commands', 'qrcast-commands'],
    ['producer', 'qrcast-producer'],
    ['subscriber', 'qrcast-subscriber'],
    ['queue polls', 'qrcast-queue'],
  ])('is replaced, and no other: %s', async (role, name) => {
    const { node, proxy, said } = await openStage(inject('serverUrl'), QUICK);
    proxy.freeze((given) => given === name);
    await untilReason(node, 'Redis');
    await untilReady(node);
    // The subscriber can be frozen between the answer to its write and the message of the same proof.
    expect(said).toEqual([expect.stringMatching(`^${role} no (answer|message)$`), `${role} ${BACK}`]);
  });

  it('is replaced by BullMQ if it waits for jobs', async () => {
    const { proxy, said } = await openStage(inject('serverUrl'), QUICK);
    proxy.freeze((name) => name.startsWith('{')); // as BullMQ names it
    while (said.length < 2) await immediate();
    expect(said).toEqual(['blocking polls no answer', `blocking polls ${BACK}`]);
  });

  it.each(['qrcast-commands', 'qrcast-subscriber'])('stays useless if nobody watches (twin): %s', async (name) => {
    const { node, proxy } = await openStage(inject('serverUrl'), OFF);
    proxy.freeze((given) => given === name);
    for (let n = 0; n < 4; n++) expect(await reasonOf(node)).not.toBeNull(); // each takes a second
  });

  it('is closed while it subscribes again, and nobody has to catch what that ends', async () => {
    const url = new URL(inject('serverUrl'));
    const proxy = await openTestProxy(Number(url.port));
    url.port = String(proxy.port);
    const deps = { namespace: `test-${String(Math.random()).slice(2)}`, log: createLog('test', 'silent'), meters: createMeters() };
    const connections = openConnections({ ...deps, redisUrl: url.href, watchOptions: OFF });
    const redis = connections.openSubscriber({ alsoProve: async () => undefined });
    await redis.subscribe(`${deps.namespace}:any`);
    const ended = new Promise((resolve) => redis.once('end', resolve));
    redis.once('ready', () => redis.disconnect()); // its SUBSCRIBE is on its way; vitest reports a rejection
    proxy.cut();
    await ended;
    await proxy.close();
  });

  it('and was closed on purpose while it was lost is not held against the process', async () => {
    const url = new URL(inject('serverUrl'));
    const proxy = await openTestProxy(Number(url.port));
    url.port = String(proxy.port);
    const deps = { namespace: `test-${String(Math.random()).slice(2)}`, log: createLog('test', 'silent'), meters: createMeters() };
    const connections = openConnections({ ...deps, redisUrl: url.href, watchOptions: QUICK });
    const redis = connections.open('queue', { queue: 'some' }) as Redis;
    const blocking = redis.duplicate(); // as BullMQ does
    await Promise.all([redis.ping(), blocking.ping()]);
    await proxy.close(); // as if the server had ended
    const refused = new Promise((resolve) =>
      blocking.on('error', (error) => 'code' in error && error.code === 'ECONNREFUSED' && resolve(null)),
    );
    await refused;
    expect(connections.fault()).not.toBeNull();
    while (blocking.status !== 'reconnecting') await immediate();
    blocking.disconnect(); // and ioredis tells nobody
    await disconnectRedis(redis);
    expect(connections.fault()).toBeNull();
  });

  it('is replaced in the handshake too', async () => {
    const { node, proxy, said } = await openStage(inject('serverUrl'), QUICK);
    const { promise: replacedTwice, resolve } = Promise.withResolvers<void>();
    let closed = 0;
    node.redis.on('close', () => ++closed === 2 && resolve());
    proxy.freezeAll();
    await replacedTwice; // the second one had connected, and its handshake was never answered
    const roles = ['commands', 'producer', 'queue polls', 'subscriber'];
    while (!roles.every((role) => said.some((line) => line.startsWith(role)))) await immediate();
    proxy.thaw();
    await untilReady(node);
    for (const role of roles) {
      expect(said.filter((line) => line.startsWith(role))).toEqual([`${role} no answer`, `${role} ${BACK}`]);
    }
  });
});

/** New connections lead to a new master, the kept ones to the old one, which is its replica now. */
async function demote(watchOptions: WatchOptions): Promise<Stage> {
  const [before, after] = [await openOwnRedis(), await openOwnRedis()];
  const password = new URL(after.url).password;
  await after.admin.config('SET', 'requirepass', new URL(before.url).password);
  await before.admin.config('SET', 'masterauth', new URL(before.url).password);
  expect(password).not.toBe('');
  const stage = await openStage(before.url, watchOptions);
  stage.proxy.repoint(after.port);
  await before.admin.replicaof('127.0.0.1', after.port);
  return stage;
}

describe('connections to a demoted replica', () => {
  it('all move to the new master', async () => {
    const { node, said } = await demote(QUICK);
    while (!said.some((line) => /READONLY|UNBLOCKED/.test(line))) await immediate();
    await untilReady(node);
    const roles = ['blocking polls', 'commands', 'producer', 'queue polls', 'subscriber'];
    for (const role of roles) expect(said.filter((line) => line === `${role} ${BACK}`)).toHaveLength(1);
  });

  it('stay there without the watch (twin)', async () => {
    const { node } = await demote(OFF);
    for (let n = 0; n < 50; n++) {
      await expect(node.redis.set('a', '1')).rejects.toThrow('READONLY');
      expect(await reasonOf(node)).not.toBeNull();
    }
    await node.bus.probe(1_000); // what readiness meant before
  });

  it('do not storm a replica that stays one', async () => {
    const [master, replica] = [await openOwnRedis(), await openOwnRedis()];
    const { node, said } = await openStage(replica.url, QUICK);
    await replica.admin.replicaof('127.0.0.1', master.port);
    const connects = async (): Promise<number> => Number(/total_connections_received:(\d+)/.exec(await replica.admin.info('stats'))?.[1]);
    const before = await connects();
    for (let n = 0; n < 8; n++) {
      await node.redis.set('x', '1').catch(() => undefined);
      await node.bus.probe(1_000).catch(() => undefined);
    }
    while (!said.some((line) => line.startsWith('blocking'))) await immediate();
    expect(await connects()).toBeLessThan(before + 40);
    expect(await reasonOf(node)).toContain('lost');
    await replica.admin.replicaof('NO', 'ONE');
    await untilReady(node);
  });
});

/**
 * Passes everything on to Redis. But each write over one of its first connections is answered with
 * an error.
 */
async function openErring(redisUrl: string, word: string): Promise<{ url: string; err(): void }> {
  const url = new URL(redisUrl);
  const target = Number(url.port);
  let isErring = false;
  let erring = new Set<Socket>();
  const all = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => undefined).on('close', () => [near, far].map((one) => one.destroy()));
    all.add(near);
    far.pipe(near);
    near.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      const commands = text.match(/(?<![^\n])\*\d+\r\n/g) ?? []; // several may come at once, and each wants an answer
      const isErringNow = isErring && /\r\nset\r\n/i.test(text) && erring.has(near);
      if (isErringNow) near.write(`-${word} says the test\r\n`.repeat(commands.length));
      else far.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  keep({
    close: async () => {
      server.close();
      for (const socket of all) socket.destroy();
    },
  });
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    err() {
      [isErring, erring] = [true, new Set(all)];
    },
  };
}

describe('an error reply that names a server of no use', () => {
  it.each(['READONLY', 'LOADING', 'MASTERDOWN', 'NOAUTH', 'UNBLOCKED'])('leads to a reconnect, and is named: %s', async (word) => {
    const { url, err } = await openErring(inject('serverUrl'), word);
    const { node, said } = await openStage(url, QUICK);
    err();
    expect(await node.redis.set('sent', 'again')).toBe('OK');
    await untilReady(node);
    expect(said.filter((line) => line.startsWith('commands'))).toEqual([`commands ${word}`, `commands ${BACK}`]);
  });

  it.each(['READONLY', 'NOAUTH'])('reaches the caller without the watch (twin): %s', async (word) => {
    const { url, err } = await openErring(inject('serverUrl'), word);
    const { node } = await openStage(url, OFF);
    err();
    for (let n = 0; n < 5; n++) await expect(node.redis.set('sent', 'once')).rejects.toThrow(word);
  });
});

describe('a Redis that refuses writes', () => {
  const refusals: [string, (redis: OwnRedis) => Promise<unknown>, (redis: OwnRedis) => Promise<unknown>][] = [
    [
      'MISCONF',
      async ({ admin, folder }) => {
        await mkdir(join(folder, 'dump.rdb')); // so that nothing can be saved
        await admin.config('SET', 'save', '3600 1');
        await admin.bgsave();
      },
      async ({ admin, folder }) => {
        await rmdir(join(folder, 'dump.rdb'));
        await admin.bgsave();
      },
    ],
    ['OOM', ({ admin }) => admin.config('SET', 'maxmemory', '1mb'), ({ admin }) => admin.config('SET', 'maxmemory', '0')],
    [
      'NOREPLICAS',
      ({ admin }) => admin.config('SET', 'min-replicas-to-write', '1'),
      ({ admin }) => admin.config('SET', 'min-replicas-to-write', '0'),
    ],
  ];
  it.each(refusals)('makes the node not ready, and is named once: %s', async (word, begin, end) => {
    const redis = await openOwnRedis();
    const { node, said } = await openStage(redis.url, QUICK);
    await begin(redis);
    await untilReason(node, `Redis refuses writes (${word})`);
    await node.bus.probe(1_000); // the twin: by messages alone all is well
    while (said.length < 1) await immediate();
    await end(redis);
    await untilReady(node);
    expect(said).toEqual([word, 'redis accepts writes again']);
  });
});
