import { expect, it } from 'vitest';
import type { RedisClient } from '../redis/redis-client.ts';
import { sessionMark } from './marks.ts';
import { createOutbox } from './outbox.ts';

/** Its marks fail. */
function openFailing(isCluster: boolean) {
  const redis = { isCluster, zadd: () => Promise.reject(new Error('no node answers')) };
  return createOutbox({ redis: redis as unknown as RedisClient, namespace: 'test' }); // what the outbox calls
}

async function storedBy(isCluster: boolean): Promise<number> {
  let stored = 0;
  const store = async (): Promise<void> => void stored++;
  await expect(openFailing(isCluster).markAround(sessionMark('ses_1'), store)).rejects.toThrow('no node answers');
  return stored;
}

it('nothing is stored in a cluster whose mark was not set: mark and thing may be at two masters', async () => {
  expect(await storedBy(true)).toBe(0);
});

it('(twin) both go out at once to one Redis, which gets the mark first', async () => {
  expect(await storedBy(false)).toBe(1);
});
