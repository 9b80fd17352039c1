/** Each test breaks one thing of a real Redis, and reads what the check says about it. */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { openRewritingProxy } from '../../test/rewriting-proxy.ts';
import { createLog } from '../log.ts';
import { createReleasers, type Releasers } from '../releasers.ts';
import { findRedisProgram, openRedisServer } from './redis-server.ts';
import { checkRedis } from './start-check.ts';

const OPERATING = readFileSync(new URL('../../../../OPERATING.md', import.meta.url), 'utf8');
/** The rule of the user, as the document shows it. */
const RULE = /^ *ACL SETUSER qrcast (on >.*)$/m.exec(OPERATING)?.[1]?.split(' ') ?? [];
const PASSWORD = 'p@ss:w/o?rd#%';

let redis: Redis;
let releasers: Releasers;
let user: string;
beforeEach(() => {
  releasers = createReleasers();
  redis = new Redis(inject('serverUrl'));
  user = `user-${randomUUID().slice(0, 8)}`;
});
afterEach(async () => {
  await redis.acl('DELUSER', user);
  redis.disconnect();
  await releasers.release();
});

/** @returns the faults, the lines of the log, and everything that was written, as one text */
async function check(redisUrl: string): Promise<{ faults: string; lines: Record<string, unknown>[]; text: string }> {
  let written = '';
  const log = createLog('test', 'info', {
    write(text: string) {
      written += text;
    },
  });
  const faults = await checkRedis({ redisUrl, namespace: 'qrcast', log }).then(
    () => '',
    (error: Error) => error.message,
  );
  return {
    faults,
    lines: written.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)])),
    text: faults + written,
  };
}

/** @param change edits the rule of the document */
async function checkAs(change: (rule: readonly string[]) => readonly string[]): ReturnType<typeof check> {
  const rule = change(RULE).map((part) => (part.startsWith('>') ? `>${PASSWORD}` : part));
  await redis.acl('SETUSER', user, ...rule);
  const url = new URL(inject('serverUrl'));
  return check(`redis://${user}:${encodeURIComponent(PASSWORD)}@${url.host}`);
}

const without = (part: string) => (rule: readonly string[]) => rule.filter((one) => one !== part);

describe('a user with the rule of OPERATING.md', () => {
  it('is enough, also with a password of special characters, and the check leaves nothing behind', async () => {
    expect(await checkAs((rule) => rule)).toEqual({ faults: '', lines: [], text: '' });
    expect(await redis.keys('*qrcast*:start-check:*')).toEqual([]);
    await expect.poll(() => redis.client('LIST')).not.toContain('start-check'); // another test may be at its own
  });

  const CATEGORIES = RULE.filter((part) => part.startsWith('+'));
  it('has categories of which each is needed', () => {
    expect(CATEGORIES.length).toBeGreaterThan(3);
  });
  it.each(CATEGORIES)('is not enough without %s, and all missing commands are named', async (category) => {
    const { faults, text } = await checkAs(without(category));
    expect(faults).toMatch(/may not run these commands: [A-Z]+/);
    expect(faults).toContain('OPERATING.md');
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) expect(text).not.toContain(secret);
  });
});

describe('what a user lacks is named all at once:', () => {
  it('INFO', async () => {
    expect((await checkAs(without('+info'))).faults).toContain('may not run these commands: INFO. ');
  });
  it('several commands, keys and channels', async () => {
    const { faults } = await checkAs((rule) => [
      ...rule.filter((part) => part !== '~{qrcast}:*' && part !== '&qrcast:*'),
      '-time',
      '-zadd',
      '-eval',
    ]);
    expect(faults).toContain('may not run these commands: ZADD, TIME, EVAL. ');
    expect(faults).toContain('may not use these keys: ~{qrcast}:*. ');
    expect(faults).toContain('may not use these channels: &qrcast:*. ');
  });
  it('keys that may be read only', async () => {
    expect((await checkAs((rule) => rule.map((part) => (part === '~qrcast:*' ? '%R~qrcast:*' : part)))).faults).toContain('~qrcast:*');
  });
  it('transactions', async () => {
    expect((await checkAs((rule) => [...rule, '-exec', '-discard'])).faults).toContain('may not run these commands: EXEC. ');
  });
});

describe('a connection that cannot be made', () => {
  it.each([
    ['a wrong password', (url: URL) => Object.assign(url, { password: 'wrong-31' }), 'refuses the user and password'],
    ['no password', (url: URL) => Object.assign(url, { password: '' }), 'wants a password'],
    ['a closed port', (url: URL) => Object.assign(url, { port: '1' }), 'Start Redis there'],
    ['a database that does not exist', (url: URL) => Object.assign(url, { pathname: '/99' }), 'expected the database'],
  ])('%s', async (_case, change, fault) => {
    const url = change(new URL(inject('serverUrl')));
    const { faults, text } = await check(url.href);
    expect(faults).toContain(fault);
    expect(text).not.toMatch(/wrong-31|127\.0\.0\.1/);
    expect(text).not.toContain(new URL(inject('serverUrl')).password);
  });

  it('a server that accepts and never answers', async () => {
    const port = await listen(() => undefined);
    expect((await check(`redis://127.0.0.1:${port}`)).faults).toContain('expected a Redis that answers');
  });

  it('a server that repeats what it gets: none of it is repeated', async () => {
    const port = await listen((socket) =>
      socket.on('data', (data) => {
        const commands = String(data)
          .split(/^\*\d+\r\n/m)
          .slice(1);
        for (const command of commands) socket.write(`-ERR unknown command, with args ${command.replaceAll(/\s/g, ' ')}\r\n`);
      }),
    );
    const { faults, text } = await check(`redis://user:hunter-31@127.0.0.1:${port}`);
    expect(faults).toContain('it gave ERR.');
    expect(text).not.toContain('hunter-31');
  });

  it('one that breaks in the middle of the check, which is not taken for a missing permission', async () => {
    const { port: serverPort, password } = new URL(inject('serverUrl'));
    const port = await listen((socket) => {
      const server = connect(Number(serverPort), '127.0.0.1');
      server.on('close', () => socket.destroy()).pipe(socket);
      socket.on('data', (data) => (String(data).includes('\r\ninfo\r\n') ? server.destroy() : server.write(data)));
    });
    const { faults } = await check(`redis://:${password}@127.0.0.1:${port}`);
    expect(faults).toMatch(/^Redis cannot be used:\n {2}the server closes the connection without an answer/);
    expect(faults).not.toContain('INFO');
  });
});

/** @returns the port of a server that treats each connection like this */
async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined); // the check cuts it
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  releasers.push('server', () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port; // it listens on TCP
}

/** @returns the address of a Redis of its own with these options */
async function openWith(...args: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-start-check-'));
  releasers.push('folder', () => rm(folder, { recursive: true, force: true }));
  const server = await openRedisServer({ program: findRedisProgram(process.env['PATH'] ?? '') ?? '', args, folder, persistent: false });
  releasers.push('server', () => server.close());
  return server.url;
}

describe('a server that does not fit', () => {
  it('is a replica', async () => {
    const { faults } = await check(await openWith('--replicaof', '127.0.0.1', '1'));
    expect(faults).toBe(
      'Redis cannot be used:\n  expected a master; the server is a replica and refuses writes. Name the master in REDIS_URL',
    );
  });

  it('speaks RESP2 only', async () => {
    const { faults } = await check(await openWith('--rename-command', 'HELLO', ''));
    expect(faults).toMatch(/^Redis cannot be used:\n {2}expected the protocol RESP3;[^\n]*$/);
  });

  it('refuses writes', async () => {
    expect((await check(await openWith('--min-replicas-to-write', '1'))).faults).toContain('this one answers NOREPLICAS');
  });

  it('loads its data: the check waits, and says so once', async () => {
    const url = await openWith(
      '--enable-debug-command',
      'yes',
      '--key-load-delay',
      '8000',
      '--loading-process-events-interval-bytes',
      '1024',
    );
    const admin = new Redis(url);
    releasers.push('admin', () => admin.disconnect());
    await admin.mset(Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`{filler}-${i}`, 'x'.repeat(20)])));
    const reloaded = admin.call('DEBUG', 'RELOAD');
    const { faults, lines } = await check(url);
    expect(faults).toBe('');
    expect(lines.map(({ msg }) => msg)).toEqual(['Redis loads its data; waiting until it has']);
    await reloaded;
  });

  it('is a node of a cluster', async () => {
    expect((await check(await openWith('--cluster-enabled', 'yes'))).faults).toContain(
      'the server is a node of a cluster. Write redis+cluster://',
    );
  });

  it('evicts: one warning, and it is used', async () => {
    const { faults, lines } = await check(await openWith('--maxmemory-policy', 'allkeys-lru'));
    expect(faults).toBe('');
    expect(lines).toMatchObject([{ level: 40, policy: 'allkeys-lru' }]);
  });

  it('would lose data when it is restarted: one warning, and it is used', async () => {
    const url = new URL(await openWith('--appendonly', 'yes'));
    const admin = new Redis(url.href);
    releasers.push('admin', () => admin.disconnect());
    await admin.acl('SETUSER', 'qrcast', 'on', '>the-password', '~*', '&*', '+@all');
    const as = (): ReturnType<typeof check> => check(`redis://qrcast:the-password@${url.host}`);
    expect(await as()).toMatchObject({ faults: '', lines: [] });
    await admin.acl('SETUSER', 'default', '-@write');
    expect(await as()).toMatchObject({ faults: '', lines: [{ level: 40, msg: expect.stringContaining('default off ~* &* +@all') }] });
  });

  it.each([
    ['is too old', 'redis', '6.2.14', /the server is (redis|Valkey) 6\.2\.14\. Update it/],
    ['is Valkey, and fits', 'valkey', '9.0.31', /^$/],
  ])('%s', async (_case, name, version, fault) => {
    const url = new URL(inject('serverUrl'));
    const info = await redis.info('server');
    const [, ownName = '', ownVersion = ''] = /(valkey)_version:(\S+)/.exec(info) ?? /(redis)_version:(\S+)/.exec(info) ?? [];
    const text = (value: string): string => `$${value.length}\r\n${value}`;
    const proxy = await openRewritingProxy(Number(url.port), [
      [text(ownName), text(name)],
      [text(ownVersion), text(version)],
    ]);
    releasers.push('proxy', () => proxy.close());
    url.port = String(proxy.port);
    const { faults } = await check(url.href);
    expect(faults).toMatch(fault);
  });
});
