import { readFileSync } from 'node:fs';
import { describe, expect, inject, it } from 'vitest';
import { openTestProxy } from '../../test/proxy.ts';
import { createLog } from '../log.ts';
import { openNode } from '../node.ts';
import { connectRedis, disconnectRedis } from './redis.ts';

const log = createLog('test', 'silent');
const closedPort = 'redis://127.0.0.1:1';

describe('a Redis connection', () => {
  it('can be closed in every status: connecting, reconnecting, ready, frozen, closed', async () => {
    await disconnectRedis(connectRedis(closedPort, 'subscriber', log));
    const out = connectRedis(closedPort, 'queue', log);
    await new Promise((resolve) => out.once('reconnecting', resolve));
    await disconnectRedis(out);
    await disconnectRedis(out);

    const { port, password } = new URL(inject('serverUrl'));
    const proxy = await openTestProxy(Number(port));
    const redis = connectRedis(`redis://:${password}@127.0.0.1:${proxy.port}`, 'commands', log);
    await redis.ping();
    proxy.freeze();
    await disconnectRedis(redis);
    expect(redis.status).toBe('end');
    await proxy.close();
  });

  it('can be closed while its connect fails and commands wait', async () => {
    const redis = connectRedis(closedPort, 'queue', log);
    redis.ping().catch(() => undefined); // it is never answered
    await new Promise((resolve) => redis.once('error', resolve));
    expect(redis.status).toBe('connecting'); // and `reconnecting` before anything else can happen
    await disconnectRedis(redis);
  });

  it('that fails ends the start with an error that says what to do, and leaves nothing open', async () => {
    const policy = { intervalMs: 5_000, codeTtlMs: 20_000, attemptMs: 180_000 };
    await expect(openNode({ redisUrl: closedPort, namespace: 'test', policy, log })).rejects.toThrow('Start Redis there');
  });
});

describe.runIf(process.platform === 'linux')('each role of a connection', () => {
  it.each(['commands', 'producer', 'subscriber', 'queue'] as const)(
    '%s has TCP keepalive on, so that nothing between forgets it',
    async (role) => {
      const redis = connectRedis(inject('serverUrl'), role, log);
      await redis.ping();
      const port = (redis.stream.localPort ?? 0).toString(16).toUpperCase().padStart(4, '0');
      const line = new RegExp(`^ *\\d+: [0-9A-F]+:${port} [0-9A-F:]+ 01 \\S+ (\\d\\d):`, 'm');
      await expect.poll(() => line.exec(readFileSync('/proc/net/tcp', 'latin1'))?.[1]).toBe('02'); // the keepalive timer
      await disconnectRedis(redis);
    },
  );
});
