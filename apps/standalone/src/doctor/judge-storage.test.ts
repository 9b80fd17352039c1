import { describe, expect, it } from 'vitest';
import { judgeStorage } from './judge-storage.ts';

type Facts = Parameters<typeof judgeStorage>[0];
type Fields = Readonly<Record<string, string>>;

const INFO = { maxmemory_policy: 'noeviction', used_memory: '1048576', maxmemory: '0', aof_enabled: '1', connected_slaves: '0' };
const CONFIG = {
  save: '',
  appendfsync: 'everysec',
  'client-output-buffer-limit': 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
  'min-replicas-to-write': '0',
};

const facts = (info: Fields = {}, config: Fields = {}, kind: Facts['kind'] = 'server'): Facts => ({
  kind,
  info: new Map(Object.entries({ ...INFO, ...info })),
  config: new Map(Object.entries({ ...CONFIG, ...config })),
  defaultMayWrite: true,
});

const troubles = (given: Facts) =>
  judgeStorage(given)
    .filter(({ level }) => level !== 'ok')
    .map(({ id, level, found, mend }) => [id, level, `${found} -> ${mend}`]);

it('finds nothing wrong with a server that keeps its data', () => {
  expect(judgeStorage(facts()).map(({ id, level }) => `${level} ${id}`)).toEqual([
    'ok redis-eviction',
    'ok redis-memory',
    'ok redis-persistence',
    'ok redis-default-user',
    'ok redis-saves',
    'ok redis-output-buffer',
    'ok redis-replicas',
  ]);
});

const buffer = (limit: string): Fields => ({ 'client-output-buffer-limit': limit });

describe('finds', () => {
  it.each<[what: string, given: Facts, id: string, level: string, words: string]>([
    [
      'eviction',
      facts({ maxmemory_policy: 'allkeys-lru', maxmemory: '104857600' }),
      'redis-eviction',
      'fault',
      'maxmemory-policy noeviction',
    ],
    ['eviction without a limit', facts({ maxmemory_policy: 'allkeys-lru' }), 'redis-eviction', 'warning', 'while maxmemory is 0'],
    ['a memory that gets full', facts({ maxmemory: '1200000' }), 'redis-memory', 'warning', '(87 %)'],
    ['a memory that is full', facts({ maxmemory: '1048577' }), 'redis-memory', 'fault', '(99 %) -> raise maxmemory'],
    ['no persistence', facts({ aof_enabled: '0' }), 'redis-persistence', 'fault', 'none'],
    ['snapshots only', facts({ aof_enabled: '0' }, { save: '3600 1' }), 'redis-persistence', 'warning', 'snapshots only'],
    [
      'a default user that may not write',
      { ...facts(), defaultMayWrite: false },
      'redis-default-user',
      'fault',
      'a restart of Redis 7 loses what transactions and scripts wrote -> redis-cli ACL SETUSER default off ~* &* +@all',
    ],
    ['a user that may not ask that', { ...facts(), defaultMayWrite: null }, 'redis-default-user', 'unknown', 'must say OK'],
    ['a file that is not synced', facts({}, { appendfsync: 'no' }), 'redis-persistence', 'warning', 'appendfsync everysec'],
    ['a snapshot that failed', facts({ rdb_last_bgsave_status: 'err' }), 'redis-saves', 'fault', 'the last snapshot failed'],
    [
      'a write that failed',
      facts({ aof_last_write_status: 'err' }),
      'redis-saves',
      'fault',
      'the last write of the append-only file failed',
    ],
    ['a small buffer', facts({}, buffer('pubsub 1048576 0 0')), 'redis-output-buffer', 'warning', 'pubsub 1mb 0 0'],
    ['an endless buffer', facts({}, buffer('pubsub 0 0 0')), 'redis-output-buffer', 'warning', 'fill the memory'],
    [
      'missing replicas',
      facts({ min_slaves_good_slaves: '0' }, { 'min-replicas-to-write': '1' }),
      'redis-replicas',
      'fault',
      'writes are refused',
    ],
    [
      'Sentinels that may lose writes',
      facts({ connected_slaves: '2' }, {}, 'sentinel'),
      'redis-replicas',
      'warning',
      'min-replicas-to-write 1',
    ],
    [
      'a last replica that stops all writes',
      facts({ connected_slaves: '1' }, { 'min-replicas-to-write': '1' }, 'cluster'),
      'redis-replicas',
      'warning',
      'min-replicas-to-write 0',
    ],
  ])('%s', (_what, given, id, level, words) => {
    expect(troubles(given)).toEqual([[id, level, expect.stringContaining(words)]]);
  });
});

it('accepts a cluster with one replica of each master that asks for none', () => {
  expect(troubles(facts({ connected_slaves: '1' }, {}, 'cluster'))).toEqual([]);
});

describe('says that it does not know', () => {
  it('what only CONFIG tells, and judges the rest', () => {
    expect(troubles({ ...facts(), config: null })).toEqual([
      ['redis-output-buffer', 'unknown', expect.stringContaining('may not run CONFIG')],
      ['redis-replicas', 'unknown', expect.stringContaining('may not run CONFIG')],
    ]);
  });

  it('whether there are snapshots if the file is off', () => {
    expect(troubles({ ...facts({ aof_enabled: '0' }), config: null })).toContainEqual([
      'redis-persistence',
      'unknown',
      expect.stringContaining('no append-only file'),
    ]);
  });

  it('anything without INFO but the buffers', () => {
    const levels = judgeStorage({ ...facts(), info: null }).map(({ id, level }) => `${level} ${id}`);
    expect(levels.filter((one) => !one.startsWith('unknown'))).toEqual(['ok redis-output-buffer']);
  });
});
