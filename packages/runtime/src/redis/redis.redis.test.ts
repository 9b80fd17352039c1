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

    const { port, password } = new URL(inject('redisUrl'));
    const proxy = await openTestProxy(Number(port));
    const redis = connectRedis(`redis://:${password}@127.0.0.1:${proxy.port}`, 'commands', log);
    await redis.ping();
    proxy.freeze();
    await disconnectRedis(redis);
    expect(redis.status).toBe('end');
    await proxy.close();
  });

  it('that fails ends the start with an error that says what to do, and leaves nothing open', async () => {
    const policy = { intervalMs: 5_000, codeTtlMs: 20_000, attemptMs: 180_000 };
    await expect(openNode({ redisUrl: closedPort, namespace: 'test', policy, log })).rejects.toThrow(
      'is it running, and is REDIS_URL right?',
    );
  });
});
