import { describe, expect, it } from 'vitest';
import { judgeServer, type ServerFacts } from './judge-server.ts';

const NONE = { commands: [], unknown: [], keys: [], channels: [], writes: [] };
const HELLO = { server: 'redis', version: '8.0.2', proto: '3', mode: 'standalone', role: 'master' };

const facts = (change: Partial<ServerFacts> = {}, hello: Readonly<Record<string, string>> = {}): ServerFacts => ({
  kind: 'server',
  faults: [],
  hello: new Map(Object.entries({ ...HELLO, ...hello })),
  info: new Map([['role', 'master']]),
  config: null,
  clock: { aheadMs: 12, errorMs: 1 },
  refusals: NONE,
  defaultMayWrite: true,
  hasEcho: true,
  clusterFaults: null,
  ...change,
});

const troubles = (given: ServerFacts) =>
  judgeServer(given)
    .filter(({ level }) => level !== 'ok')
    .map(({ id, level, found, mend }) => [id, level, `${found} -> ${mend}`]);

it('finds nothing wrong with a fit server', () => {
  expect(judgeServer(facts()).map(({ id, level }) => `${level} ${id}`)).toEqual([
    'ok redis-version',
    'ok redis-protocol',
    'ok redis-kind',
    'ok redis-role',
    'ok redis-user',
    'ok redis-writes',
    'ok redis-messages',
    'ok redis-clock',
  ]);
});

it('finds nothing wrong with Valkey, or with a cluster whose slots are served', () => {
  expect(troubles(facts({ info: new Map([['valkey_version', '8.1.1']]) }, { version: '7.2.4' }))).toEqual([]);
  expect(troubles(facts({ kind: 'cluster', clusterFaults: [], hasEcho: null }, { mode: 'cluster', role: 'replica' }))).toEqual([]);
});

describe('finds', () => {
  it.each<[what: string, given: ServerFacts, id: string, level: string, words: string]>([
    ['a database that is not there', facts({ faults: ['expected the database. Change it'] }), 'redis-reachable', 'fault', 'Change it'],
    ['an old server', facts({}, { version: '6.2.14' }), 'redis-version', 'fault', 'Redis 6.2.14 -> update'],
    ['an old protocol', facts({}, { proto: '2' }), 'redis-protocol', 'fault', 'RESP2'],
    ['a replica', facts({}, { role: 'replica' }), 'redis-role', 'fault', 'name the master in REDIS_URL'],
    ['a replica behind Sentinels', facts({ kind: 'sentinel' }, { role: 'replica' }), 'redis-role', 'fault', 'wait for the failover'],
    ['a node of a cluster', facts({}, { mode: 'cluster' }), 'redis-kind', 'fault', 'redis+cluster://'],
    ['no node of a cluster', facts({ kind: 'cluster', hasEcho: null }), 'redis-kind', 'fault', 'write redis://'],
    ['a message that does not come back', facts({ hasEcho: false }), 'redis-messages', 'fault', 'without a proxy'],
    ['a server that cannot save', facts({ refusals: { ...NONE, writes: ['MISCONF'] } }), 'redis-writes', 'fault', 'full disk'],
    ['a full server', facts({ refusals: { ...NONE, writes: ['OOM'] } }), 'redis-writes', 'fault', 'raise maxmemory'],
    ['a clock that is ahead', facts({ clock: { aheadMs: 5_000, errorMs: 10 } }), 'redis-clock', 'warning', '5.0 s ahead'],
    ['a clock that is behind', facts({ clock: { aheadMs: -5_000, errorMs: 10 } }), 'redis-clock', 'warning', '5.0 s behind'],
    ['a clock that it may not ask', facts({ clock: null }), 'redis-clock', 'unknown', '+time'],
    [
      'slots that nobody serves',
      facts({ kind: 'cluster', hasEcho: null, clusterFaults: ['its state is "fail". See that all masters are up'] }, { mode: 'cluster' }),
      'redis-slots',
      'fault',
      'its state is "fail" -> See that all masters are up',
    ],
  ])('%s', (_what, given, id, level, words) => {
    expect(troubles(given)).toEqual([[id, level, expect.stringContaining(words)]]);
  });

  it('what the user may not do, and says the rule that is missing', () => {
    const refusals = { ...NONE, commands: ['EVALSHA', 'CLIENT SETNAME'], keys: ['~qrcast:*'], channels: ['&qrcast:*'] };
    const [[, level, text] = []] = troubles(facts({ refusals, hasEcho: null }));
    expect(level).toBe('fault');
    expect(text).toContain('may not run EVALSHA, CLIENT SETNAME; it may not use the keys ~qrcast:*');
    expect(text).toContain('redis-cli ACL SETUSER <the user in REDIS_URL> +evalsha +client|setname ~qrcast:* &qrcast:*');
  });

  it('a Sentinel, and nothing else, because it holds no data', () => {
    expect(troubles(facts({ info: null, hasEcho: null }, { mode: 'sentinel' }))).toEqual([
      ['redis-kind', 'fault', expect.stringContaining('redis+sentinel://')],
    ]);
  });
});

it('does not blame the clock for a slow answer', () => {
  expect(troubles(facts({ clock: { aheadMs: 4_000, errorMs: 3_500 } }))).toEqual([]);
});
