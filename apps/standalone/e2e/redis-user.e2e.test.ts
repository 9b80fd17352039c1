/**
 * A user of Redis with exactly the rule that OPERATING.md shows: it is enough for everything, and
 * with less, both roles say at their start what is missing.
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { neededCommands } from '@qrcast/runtime/redis/needed-commands';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openTestReceiver } from '@qrcast/runtime/test/receiver';
import { openSimulator } from '@qrcast/simulator/simulator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCallers } from '../test/callers.ts';
import { TOP } from '../test/documented-commands.ts';
import { openRedisOfUser, type RedisOfUser } from '../test/redis-user.ts';
import { type Environment, type Program, spawnNode, spawnRole } from '../test/role-process.ts';

const START = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url));
const ADMIN_KEY = randomBytes(24).toString('hex');

let releasers: Releasers;
beforeEach(() => {
  releasers = createReleasers();
});
afterEach(() => releasers.release());

async function openRedis(change?: Parameters<typeof openRedisOfUser>[0]): Promise<RedisOfUser> {
  const redis = await openRedisOfUser(change);
  releasers.push('redis', () => redis.close());
  return redis;
}

function start(role: 'gateway' | 'worker', env: Environment): Program {
  const program = spawnRole(role, env);
  releasers.push(role, () => program.stop());
  return program;
}

const environment = ({ url }: RedisOfUser, fields: Environment = {}): Environment => ({
  PORT: '0',
  QRCAST_DRAIN_MS: '0',
  QRCAST_ADMIN_KEY: ADMIN_KEY,
  REDIS_URL: url,
  QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  ...fields,
});

/** The names of all commands that Redis has counted, in scripts, too. */
async function countedCommands({ admin }: RedisOfUser): Promise<string[]> {
  const counted = [...(await admin.info('commandstats')).matchAll(/^cmdstat_([a-z|]+):calls=(\d+).*$/gm)];
  return counted.flatMap(([, name = '', calls]) => (calls === '0' ? [] : [name.replace('|', ' ').toUpperCase()]));
}

/** Sent by ioredis and by this test, and not needed by qrcast. */
const OTHERS = ['HELLO', 'INFO', 'AUTH', 'QUIT', 'CLIENT SETINFO', 'ACL SETUSER', 'ACL LOG', 'CONFIG RESETSTAT', 'COMMAND'];

describe('with the rule of OPERATING.md', () => {
  it('a whole login works, nothing is refused, and every command that was used is checked at the start', async () => {
    const redis = await openRedis();
    const [simulator, receiver] = await Promise.all([openSimulator(), openTestReceiver()]);
    releasers.push('simulator', () => simulator.close());
    releasers.push('receiver', () => receiver.close());
    const env = environment(redis, { QRCAST_UPSTREAM_HOSTS: simulator.url, QRCAST_CALLBACK_HOSTS: receiver.url });
    const [gateway, worker] = [start('gateway', env), start('worker', env)];
    const url = `http://127.0.0.1:${(await gateway.until(/"port":(\d+).*gateway listens/))[1]}`;
    await worker.until(/worker is up/);

    const callers = createCallers();
    releasers.push('callers', () => callers.close());
    const tenant = { id: 'acme', name: 'Acme', callback: { url: receiver.url }, relay: { url: receiver.url } };
    const { body: made } = await callers.call('POST', `${url}/v1/admin/tenants`, { secret: ADMIN_KEY, body: tenant });
    const secret = String(made['apiKey']);
    const instance = simulator.createInstance();
    instance.setWebhook({ url: `${url}/v1/webhooks/green-api/acme`, token: String(made['webhookToken']) });
    const credentials = { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url };
    const { body: created } = await callers.call('POST', `${url}/v1/sessions`, { secret, body: credentials });
    const streams = [callers.events(url, String(created['ticket'])), callers.webSocket(url, String(created['ticket']))];
    await Promise.all(streams.map((stream) => stream.until('"showing"')));
    instance.scan();
    await Promise.all(streams.map((stream) => stream.until('"connected"')));
    await receiver.until(1, ({ body }) => body.includes('session.connected'));
    for (const path of ['/v1/sessions', '/v1/callbacks', '/v1/audit']) await callers.call('GET', `${url}${path}`, { secret });
    const rotation = spawnNode([CLI, 'rotate-keys', '--check'], env);
    await once(rotation.child, 'close');
    expect(rotation.child.exitCode).toBe(0);

    expect(await redis.admin.acl('LOG')).toEqual([]);
    const checked: readonly string[] = neededCommands();
    expect((await countedCommands(redis)).filter((name) => !checked.includes(name) && !OTHERS.includes(name))).toEqual([]);
    for (const program of [gateway, worker, rotation]) {
      for (const text of [redis.password, encodeURIComponent(redis.password)]) expect(program.output()).not.toContain(text);
    }
  });
});

/** Commands whose names are no names of other methods, as `sort` is. */
const OF_ONE_TYPE =
  /^(?:z|h|x|l(?:index|len|pop|pos|push|range|rem|set|trim)|r(?:pop|push)|s(?:add|card|inter|ismember|members|rem|union))/;

it('every command that the sources name is checked at the start', async () => {
  const { admin } = await openRedis();
  const known = ((await admin.command('LIST')) as string[]).filter((name) => OF_ONE_TYPE.test(name));
  const files = globSync('{apps,packages}/*/src/**/*.{ts,lua}', { cwd: TOP }).filter((file) => !/\.test\.ts$/.test(file));
  const named = files.flatMap((file) => {
    const text = readFileSync(`${TOP}${file}`, 'utf8');
    const names = file.endsWith('.lua') ? text.matchAll(/redis\.p?call\('([A-Za-z]+)'/g) : text.matchAll(/\.([a-z]+)\(/g);
    return [...names].map(([, name = '']) => name.toLowerCase()).filter((name) => file.endsWith('.lua') || known.includes(name));
  });
  expect(named.length).toBeGreaterThan(100);
  const checked = neededCommands().map((name) => name.toLowerCase());
  expect([...new Set(named)].filter((name) => !checked.includes(name))).toEqual([]);
});

describe('with less', () => {
  it.each([
    ['without INFO (-@dangerous)', '+info', 'the user in REDIS_URL may not run these commands: INFO.'],
    ['without the channels', '&qrcast:*', 'the user in REDIS_URL may not use these channels: &qrcast:*.'],
  ])('%s, every program says so and ends with status 1', async (_case, part, fault) => {
    const redis = await openRedis((rule) => rule.filter((one) => one !== part));
    const env = environment(redis);
    const folder = await mkdtemp(join(tmpdir(), 'qrcast-start-'));
    releasers.push('folder', () => rm(folder, { recursive: true, force: true }));
    const programs = [start('gateway', env), start('worker', env), spawnNode([CLI, 'rotate-keys'], env), spawnNode([START], env, folder)];
    await Promise.all(programs.map(({ child }) => once(child, 'close')));
    for (const program of programs) {
      expect(program.output()).toContain(fault);
      expect(program.child.exitCode).toBe(1);
      for (const text of [redis.password, encodeURIComponent(redis.password)]) expect(program.output()).not.toContain(text);
    }
  });
});
