import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type HeldRights, openHeldRights, TICK_MS } from './held-rights.ts';

interface Pass {
  readonly key: string;
  readonly name: string;
}

let rights: HeldRights<Pass, string>;
let publish: (key: string) => void;
let reset: () => void;
let checks: string[];
/** Keys whose right a check finds to be lost. */
let lost: Set<string>;
let isRedisOut: boolean;
let ends: string[];

beforeEach(() => {
  vi.useFakeTimers();
  [checks, lost, isRedisOut, ends] = [[], new Set(), false, []];
  rights = openHeldRights<Pass, string>({
    bus: {
      subscribe(_channel, onMessage) {
        publish = (key) => onMessage(Buffer.from(key));
        return () => undefined;
      },
      onReset(listener) {
        reset = () => listener(() => true);
        return () => undefined;
      },
    },
    channel: 'rights',
    keyOf: ({ key }) => key,
    async check({ key }, isNew) {
      checks.push(isNew ? `${key} (new)` : key);
      if (isRedisOut) throw new Error('Redis is out');
      if (lost.has(key)) rights.end(key, 'lost');
    },
    onChange: (key) => rights.check(key),
    onTick: () => rights.endWhere('expired', ({ name }) => name === 'old'),
  });
});
afterEach(() => {
  rights.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const hold = (key: string, name: string): (() => void) => rights.hold({ key, name }, (reason) => ends.push(`${key} ${name}: ${reason}`));
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

it('checks a key for each new holder, and once for all its holders after a change and a reconnect', async () => {
  hold('a', '1');
  hold('a', '2');
  hold('b', '1');
  publish('a');
  publish('unknown');
  expect(checks.splice(0)).toEqual(['a (new)', 'a (new)', 'b (new)', 'a']);
  reset();
  expect(checks).toEqual(['a', 'b']);
});

it('ends all holders of a lost right once, and no others', async () => {
  hold('a', '1');
  hold('a', '2');
  hold('b', '1');
  await settle();
  lost.add('a');
  publish('a');
  publish('a');
  await settle();
  expect(ends).toEqual(['a 1: lost', 'a 2: lost']);
});

it('ends a holder whose right was lost before it was added', async () => {
  lost.add('a');
  hold('a', '1');
  await settle();
  expect(ends).toEqual(['a 1: lost']);
});

it('repeats a failed check every second until it succeeds, and not for a key that nobody holds any more', async () => {
  isRedisOut = true;
  hold('a', '1');
  const release = hold('b', '1');
  await settle();
  release();
  release();
  checks.splice(0);
  await vi.advanceTimersByTimeAsync(2 * TICK_MS);
  expect(checks.splice(0)).toEqual(['a', 'a']);
  isRedisOut = false;
  lost.add('a');
  await vi.advanceTimersByTimeAsync(2 * TICK_MS);
  expect([checks, ends]).toEqual([['a'], ['a 1: lost']]);
});

it('ends the matching holders of all keys, and leaves the others of a key', async () => {
  hold('a', 'old');
  hold('a', 'young');
  hold('b', 'old');
  await vi.advanceTimersByTimeAsync(2 * TICK_MS);
  expect(ends).toEqual(['a old: expired', 'b old: expired']);
  rights.end('a', 'removed', ({ name }) => name === 'young');
  expect(ends.at(-1)).toBe('a young: removed');
});
