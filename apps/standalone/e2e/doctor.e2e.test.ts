/**
 * `qrcast doctor` as an operator runs it: each test breaks one thing of a real installation, and the
 * first one is their healthy twin.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { PAGE_FOLDER } from '@qrcast/gateway/api/page-folder';
import { startGateway } from '@qrcast/gateway/gateway';
import { proveKeyring } from '@qrcast/runtime/keyring/key-proofs';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import { freePort } from '@qrcast/runtime/redis/free-port';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openSimulator } from '@qrcast/simulator/simulator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../src/doctor/finding.ts';
import { EXITS } from '../src/login/ending.ts';
import { TEST_POLICY } from '../test/cluster.ts';
import { openRedisOfUser } from '../test/redis-user.ts';
import { type Environment, type Program, spawnNode } from '../test/role-process.ts';
import { openStagedRedis, type StagedRedis } from '../test/staged-redis.ts';

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const KEY = { id: 'k1', key: randomBytes(32) };
const textOfKey = ({ id, key }: typeof KEY): string => `${id}:${key.toString('base64')}`;
const NAMESPACE = 'doctor';

let releasers: Releasers;
let provider: string;
beforeEach(async () => {
  releasers = createReleasers();
  const simulator = await openSimulator();
  releasers.push('simulator', () => simulator.close());
  provider = simulator.url;
});
afterEach(() => releasers.release());

async function openRedis(persistent = true): Promise<StagedRedis> {
  const redis = await openStagedRedis(persistent);
  releasers.push('redis', () => redis.close());
  return redis;
}

const environment = (redisUrl: string, fields: Environment = {}): Environment => ({
  REDIS_URL: redisUrl,
  QRCAST_NAMESPACE: NAMESPACE,
  QRCAST_SECRET_KEYS: textOfKey(KEY),
  QRCAST_UPSTREAM_HOSTS: provider,
  ...fields,
});

function start(env: Environment, ...args: string[]): Program {
  const program = spawnNode([CLI, 'doctor', ...args], env);
  releasers.push('doctor', () => program.stop());
  return program;
}

interface Told {
  readonly faults: number;
  readonly warnings: number;
  readonly findings: readonly Finding[];
}

/** Every finding that is not ok, and the status. It never repeats the key. */
async function examine(env: Environment): Promise<{ readonly status: number | null; readonly troubles: readonly Finding[] }> {
  const program = start(env, '--json');
  await once(program.child, 'close');
  expect(program.output()).not.toContain(KEY.key.toString('base64'));
  const told = JSON.parse(program.output()) as Told;
  expect(told.faults).toBe(told.findings.filter(({ level }) => level === 'fault').length);
  return { status: program.child.exitCode, troubles: told.findings.filter(({ level }) => level !== 'ok') };
}

/** The only trouble is this fault. */
async function expectFault(env: Environment, id: string, found: string, mend: string): Promise<void> {
  const { status, troubles } = await examine(env);
  expect(troubles).toMatchObject([{ id, level: 'fault', found: expect.stringContaining(found), mend: expect.stringContaining(mend) }]);
  expect(status).toBe(EXITS.toMend.code);
}

it('finds nothing to mend in an installation that works', async () => {
  const redis = await openRedis();
  const gateway = await startGateway({
    ...{ redisUrl: redis.url, namespace: NAMESPACE, secretKeys: [KEY], policy: TEST_POLICY, upstreamHosts: [provider] },
    ...{ unwatchedGraceMs: 15_000, adminKey: undefined, maxConnections: 100, port: 0, host: '127.0.0.1', publicUrl: undefined },
    ...{ pageFolder: PAGE_FOLDER, log: createLog('test', 'silent') },
  });
  releasers.push('gateway', () => gateway.close(0));
  await gateway.tenants.create({ id: 'acme', name: 'Acme' });
  const program = start(environment(redis.url, { QRCAST_PUBLIC_URL: gateway.publicUrl }));
  await once(program.child, 'close');
  expect([program.child.exitCode, program.output()]).toEqual([0, expect.stringContaining('0 faults, 0 warnings, 0 unknown')]);
  for (const line of [/^ok +secret-keys +they open what "k1" sealed$/m, /^ok +stored-records +1 tenants/m, /^ok +public-address /m]) {
    expect(program.output()).toMatch(line);
  }
});

describe('finds in Redis', () => {
  it('that it may throw data away', async () => {
    const redis = await openRedis();
    await redis.admin.config('SET', 'maxmemory', '100mb');
    await redis.admin.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await expectFault(environment(redis.url), 'redis-eviction', 'allkeys-lru', 'CONFIG SET maxmemory-policy noeviction');
  });

  it('that it keeps nothing', async () => {
    const redis = await openRedis(false);
    await expectFault(environment(redis.url), 'redis-persistence', 'a restart of Redis loses', 'CONFIG SET appendonly yes');
  });

  it('that a restart would lose data, because its default user may not write', async () => {
    const redis = await openRedis();
    await redis.admin.acl('SETUSER', 'qrcast', 'on', '>the-password', '~*', '&*', '+@all');
    await redis.admin.acl('SETUSER', 'default', '-@all', '+ping');
    const { host } = new URL(redis.url);
    const url = `redis://qrcast:the-password@${host}`;
    await expectFault(environment(url), 'redis-default-user', 'loses what transactions', 'ACL SETUSER default off ~* &* +@all');
  });

  it('that it is a replica', async () => {
    const [master, redis] = [await openRedis(), await openRedis()];
    await redis.replicaOf(master);
    const { status, troubles } = await examine(environment(redis.url));
    expect(troubles).toContainEqual(expect.objectContaining({ id: 'redis-role', level: 'fault', mend: 'name the master in REDIS_URL' }));
    expect(status).toBe(EXITS.toMend.code);
  });

  it('that it refuses writes because its memory is full', async () => {
    const redis = await openRedis();
    await redis.refuseWrites('OOM');
    const { troubles } = await examine(environment(redis.url));
    expect(troubles.map(({ id, level }) => `${level} ${id}`)).toEqual(['fault redis-writes', 'fault redis-memory']);
  });

  it('which command its user may not run, and that CONFIG was refused', async () => {
    const redis = await openRedisOfUser((rule) => [...rule, '-evalsha']);
    releasers.push('redis', () => redis.close());
    const env = environment(redis.url, { QRCAST_NAMESPACE: 'qrcast' });
    const { status, troubles } = await examine(env);
    expect(troubles).toContainEqual(
      expect.objectContaining({ id: 'redis-user', level: 'fault', mend: expect.stringMatching(/ACL SETUSER .* \+evalsha$/) }),
    );
    expect(troubles.filter(({ level }) => level === 'unknown').map(({ id }) => id)).toEqual([
      'redis-persistence',
      'redis-output-buffer',
      'redis-replicas',
    ]);
    expect(status).toBe(EXITS.toMend.code);
    expect(JSON.stringify(troubles)).not.toContain(redis.password);
  });

  it('that other processes have other keys', async () => {
    const redis = await openRedis();
    await proveKeyring(redis.admin, NAMESPACE, createKeyring([{ id: 'k0', key: randomBytes(32) }]));
    await expectFault(environment(redis.url), 'secret-keys', 'they have a key "k0"', 'Add it');
  });

  it('records that cannot be read', async () => {
    const redis = await openRedis();
    await redis.admin.hset(`${NAMESPACE}:tenants`, 'acme', '{"of":"another version"}');
    await expectFault(environment(redis.url), 'stored-records', 'the tenants "acme"', 'run the version that wrote the tenants');
  });
});

describe('finds, and hides nothing else', () => {
  it('that Redis is down', async () => {
    const redis = await openRedis();
    await redis.kill();
    const { status, troubles } = await examine(environment(redis.url, { QRCAST_PUBLIC_URL: `http://127.0.0.1:${await freePort()}` }));
    expect(troubles.map(({ id, level }) => `${level} ${id}`)).toEqual([
      'fault redis-reachable',
      'unknown secret-keys',
      'fault public-address',
    ]);
    expect(status).toBe(EXITS.toMend.code);
  });

  it("that nothing listens at the provider's host", async () => {
    const redis = await openRedis();
    const host = `http://127.0.0.1:${await freePort()}`;
    await expectFault(environment(redis.url, { QRCAST_UPSTREAM_HOSTS: host }), 'provider-host', 'nothing listens', 'firewall');
  });

  it('that settings are wrong', async () => {
    const redis = await openRedis();
    const { troubles } = await examine(environment(redis.url, { PORT: 'many', QRCAST_NAMESPCE: 'x' }));
    expect(troubles.map(({ id, level }) => `${level} ${id}`)).toEqual(['fault settings', 'warning setting-names']);
  });
});

it('comes to an end with a Redis that is frozen', async () => {
  const redis = await openRedis();
  redis.freeze();
  const { troubles } = await examine(environment(redis.url));
  expect(troubles).toMatchObject([{ id: 'redis-reachable', found: expect.stringContaining('no answer') }, { id: 'secret-keys' }]);
});

it('ends at Ctrl-C while it waits, and leaves no connection', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  releasers.push('server', () => void silent.close());
  await once(silent, 'listening');
  const program = start(environment(`redis://127.0.0.1:${(silent.address() as AddressInfo).port}`));
  const [connection] = (await once(silent, 'connection')) as [Socket];
  const closed = once(connection.on('error', () => undefined).resume(), 'close');
  program.child.kill('SIGINT');
  await Promise.all([closed, once(program.child, 'close')]);
  expect([program.child.exitCode, program.output()]).toEqual([130, 'Stopped.\n']);
});
