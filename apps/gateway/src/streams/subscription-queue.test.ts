import { describe, expect, it } from 'vitest';
import { createSubscriptionQueue, type SubscriptionQueue, type Turn } from './subscription-queue.ts';

/** Asks for one turn after another, and notes those that began. */
function ask(turns: SubscriptionQueue, sessionIds: readonly string[]) {
  const begun: string[] = [];
  const taken = sessionIds.map(async (sessionId) => {
    const turn = await turns.take(Promise.resolve(sessionId));
    begun.push(sessionId);
    return turn;
  });
  const endOf = async (index: number): Promise<Turn> => {
    const turn = await (taken[index] ?? expect.unreachable());
    turn.end();
    return turn;
  };
  return { begun, taken, endOf };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve)); // all that waits for nothing else has gone on

describe('turns of subscriptions', () => {
  it('of one session follow each other, those of others wait for none of them', async () => {
    const { begun, endOf } = ask(createSubscriptionQueue(10), ['a', 'a', 'b', 'a']);
    await settle();
    expect(begun).toEqual(['a', 'b']);
    await endOf(0);
    await settle();
    expect(begun).toEqual(['a', 'b', 'a']);
    await endOf(1);
    await settle();
    expect(begun).toEqual(['a', 'b', 'a', 'a']);
  });

  it('of all sessions are no more at once than may be unread, and go on in their order, one for each that is over', async () => {
    const { begun, endOf } = ask(createSubscriptionQueue(2), ['a', 'b', 'c', 'd', 'e']);
    await settle();
    expect(begun).toEqual(['a', 'b']);
    const first = await endOf(0);
    first.end(); // said twice
    await settle();
    expect(begun).toEqual(['a', 'b', 'c']);
    await endOf(2);
    await endOf(1);
    await settle();
    expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('that wait for their session hold no place of those that do not', async () => {
    const { begun } = ask(createSubscriptionQueue(2), ['a', 'a', 'a', 'b']);
    await settle();
    expect(begun).toEqual(['a', 'b']);
  });

  it('of tickets that were refused hold up nobody', async () => {
    const turns = createSubscriptionQueue(1);
    await expect(turns.take(Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    await turns.take(Promise.resolve('a'));
  });

  it('are unwanted from an unsubscribe on, if they were asked for before it', async () => {
    const turns = createSubscriptionQueue(1);
    const lookup = Promise.withResolvers<string>();
    const looked = turns.take(lookup.promise);
    const waits = turns.take(Promise.resolve('a'));
    const other = turns.take(Promise.resolve('b'));
    const marked = turns.unwant('a');
    lookup.resolve('a');
    await marked;
    const later = turns.take(Promise.resolve('a'));
    const isUnwanted: boolean[] = [];
    for (const next of [waits, other, looked, later]) {
      const turn = await next;
      isUnwanted.push(turn.isUnwanted);
      turn.end();
    }
    expect(isUnwanted).toEqual([true, false, true, false]);
  });
});
