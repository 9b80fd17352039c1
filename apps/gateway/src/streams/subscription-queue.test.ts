import { describe, expect, it } from 'vitest';
import { createSubscriptionQueue, type QueuedSubscription, type SubscriptionQueue } from './subscription-queue.ts';

/** Enters one subscription after another, and notes those that began. */
function enterAll(queue: SubscriptionQueue, sessionIds: readonly string[]) {
  const begun: string[] = [];
  const taken = sessionIds.map(async (sessionId) => {
    const queued = await queue.enter(Promise.resolve(sessionId));
    begun.push(sessionId);
    return queued;
  });
  const endOf = async (index: number): Promise<QueuedSubscription> => {
    const queued = await (taken[index] ?? expect.unreachable());
    queued.end();
    return queued;
  };
  return { begun, taken, endOf };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve)); // everything that can go on has gone on

describe('subscriptions in the queue', () => {
  it('of one session follow each other, and those of other sessions do not wait for them', async () => {
    const { begun, endOf } = enterAll(createSubscriptionQueue(10), ['a', 'a', 'b', 'a']);
    await settle();
    expect(begun).toEqual(['a', 'b']);
    await endOf(0);
    await settle();
    expect(begun).toEqual(['a', 'b', 'a']);
    await endOf(1);
    await settle();
    expect(begun).toEqual(['a', 'b', 'a', 'a']);
  });

  it('are processed up to the bound, and each that ends starts the next in order', async () => {
    const { begun, endOf } = enterAll(createSubscriptionQueue(2), ['a', 'b', 'c', 'd', 'e']);
    await settle();
    expect(begun).toEqual(['a', 'b']);
    const first = await endOf(0);
    first.end(); // the second call frees nothing
    await settle();
    expect(begun).toEqual(['a', 'b', 'c']);
    await endOf(2);
    await endOf(1);
    await settle();
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('that wait for their own session do not count against the bound', async () => {
    const { begun } = enterAll(createSubscriptionQueue(2), ['a', 'a', 'a', 'b']);
    await settle();
    expect(begun).toEqual(['a', 'b']);
  });

  it('with a refused ticket delay no others', async () => {
    const queue = createSubscriptionQueue(1);
    await expect(queue.enter(Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    await queue.enter(Promise.resolve('a'));
  });

  it('are withdrawn if they entered before the unsubscribe', async () => {
    const queue = createSubscriptionQueue(1);
    const lookup = Promise.withResolvers<string>();
    const looked = queue.enter(lookup.promise);
    const waits = queue.enter(Promise.resolve('a'));
    const other = queue.enter(Promise.resolve('b'));
    const marked = queue.withdraw('a');
    lookup.resolve('a');
    await marked;
    const later = queue.enter(Promise.resolve('a'));
    const isWithdrawn: boolean[] = [];
    for (const next of [waits, other, looked, later]) {
      const queued = await next;
      isWithdrawn.push(queued.isWithdrawn);
      queued.end();
    }
    expect(isWithdrawn).toEqual([true, false, true, false]);
  });
});
