/** What a worker that stops, hangs or never starts leaves in Redis, and how others continue it. */

import { setTimeout as delay } from 'node:timers/promises';
import { callbackOf } from '@qrcast/core/callback';
import { sessionMark } from '@qrcast/runtime/outbox/marks';
import { sessionCallbacksKey } from '@qrcast/runtime/redis/keys';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import { findKeys } from '@qrcast/runtime/test/find-keys';
import { isOneServer } from '@qrcast/runtime/test/one-server';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import { scoreOfMark, setMark } from '@qrcast/runtime/test/work-part';
import { describe, expect, it } from 'vitest';
import { prepareCallbacks } from '../../test/callbacks.ts';

const { receiver, callbacks } = prepareCallbacks();

describe('a mark', () => {
  it('that is processed before its change is stored is processed again', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const { redis, namespace } = test.runtime;
    const tenant = await test.tenant({ callback: server.url });
    const session = sampleSession({ tenantId: tenant.id });
    const callback = callbackOf(session, { ...session, version: 2, state: { kind: 'ended', reason: 'cancelled' } }, Date.now());
    const member = `session|${session.id}`;

    await test.outbox.mark(sessionMark(session.id)); // here its process hangs
    const putOff = async (): Promise<boolean> => Number(await scoreOfMark(test.runtime, member)) > Date.now() + 30_000;
    while (!(await putOff())) expect(await scoreOfMark(test.runtime, member)).not.toBeNull();
    await redis.rpush(sessionCallbacksKey(namespace, session.id), JSON.stringify(callback));
    await setMark(test.runtime, member); // now it is due
    await server.until(1);
    while ((await scoreOfMark(test.runtime, member)) !== null); // the mark is removed then
    expect(await redis.exists(sessionCallbacksKey(namespace, session.id))).toBe(0);
  });
});

describe.runIf(isOneServer())('a worker that cannot start', () => {
  it('leaves nothing running that would claim marks', async () => {
    const test = await callbacks([], { workers: 0 });
    const { redis, redisUrl } = test.runtime;
    await redis.acl('SETUSER', 'uninformed', 'on', '>x', '~*', '&*', '+@all', '-info'); // BullMQ asks for the version
    const url = new URL(redisUrl);
    [url.username, url.password] = ['uninformed', 'x'];
    await expect(test.startWorker({ redisUrl: url.href })).rejects.toThrow('NOPERM');
    const member = 'session|ses_1';
    await setMark(test.runtime, member);
    await delay(600); // three sweeps
    expect(await scoreOfMark(test.runtime, member)).toBe('1');
  });
});

describe('what a worker leaves behind', () => {
  it('is continued by another, from the outbox or from the queue', async () => {
    const server = await receiver();
    const test = await callbacks([server], { workers: 0 });
    const tenant = await test.tenant({ callback: server.url });
    await test.end(tenant);
    const stop = await test.startWorker();
    server.answer(() => 500);
    await server.until(1);
    await stop(0);
    server.answer(() => 204);
    await test.startWorker();
    await test.untilLogged(tenant, 'delivered');
    expect(new Set(server.received.map(({ id }) => id)).size).toBe(1);
  });

  it('has no secret in a log line or anywhere in Redis', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: `${server.url}/path-secret?key=query-secret`, relay: `${server.url}/relay-secret` });
    server.answer(() => (server.received.length < 3 ? 500 : 204));
    await test.end(tenant);
    await test.relay({ tenantId: tenant.id, instanceId: '1' }, '{}');
    await test.untilLogged(tenant, 'delivered');
    await server.until(1, ({ path }) => path === '/relay-secret');
    const { redis, namespace } = test.runtime;
    const keys = [...(await findKeys(redis, `${namespace}:*`)), ...(await findKeys(redis, `{${namespace}}:*`))];
    const dump = (await Promise.all(keys.map((key) => readKey(redis, key)))).join('\n');
    const text = test.logged.join('\n');
    expect(text).toContain(tenant.id); // twin: the search does find text
    expect(dump).toContain('session.ended');
    expect(dump + text).not.toContain(tenant.secret.slice(6));
    for (const secret of ['path-secret', 'query-secret', 'relay-secret']) expect(text).not.toContain(secret);
  });
});

async function readKey(redis: RedisClient, key: string): Promise<string> {
  const commands = { string: 'get', hash: 'hgetall', list: 'lrange', set: 'smembers', zset: 'zrange', stream: 'xrange' } as const;
  const type = await redis.type(key);
  if (type === 'none') return ''; // it was deleted after the keys were listed
  const command = commands[type as keyof typeof commands];
  const range = command === 'xrange' ? ['-', '+'] : command === 'lrange' || command === 'zrange' ? ['0', '-1'] : [];
  return JSON.stringify(await redis.call(command, key, ...range));
}
