import { expect, it } from 'vitest';
import { createSharedReads } from './shared-reads.ts';

function open() {
  const clock = { ms: 0 };
  const begun: string[] = [];
  const underWay: PromiseWithResolvers<number>[] = [];
  const shared = createSharedReads<number>({ keepMs: 3_000, now: () => clock.ms });
  return {
    clock,
    begun,
    underWay,
    forget: shared.forget,
    ask: (key: string) =>
      shared.read(key, () => {
        begun.push(key);
        const reading = Promise.withResolvers<number>();
        underWay.push(reading);
        return reading.promise;
      }),
  };
}

it('reads once for all who ask while the reading is under way, however long it takes, and a while after it', async () => {
  const { clock, begun, underWay, ask } = open();
  const first = ask('a');
  clock.ms = 60_000;
  const second = ask('a');
  underWay[0]?.resolve(7);
  expect(await Promise.all([first, second])).toEqual([7, 7]);
  clock.ms += 2_999;
  expect(await ask('a')).toBe(7);
  expect(begun).toEqual(['a']);
  clock.ms += 1;
  void ask('a');
  expect(begun).toEqual(['a', 'a']);
});

it('keeps readings of different things apart', () => {
  const { begun, ask } = open();
  void ask('a');
  void ask('b');
  expect(begun).toEqual(['a', 'b']);
});

it('keeps no failure', async () => {
  const { begun, underWay, ask } = open();
  const failed = [ask('a'), ask('a')];
  underWay[0]?.reject(new Error('Redis does not answer'));
  for (const one of failed) await expect(one).rejects.toThrow('Redis');
  void ask('a');
  expect(begun).toEqual(['a', 'a']);
});

it('reads anew what was forgotten, also while it was under way', async () => {
  const { begun, underWay, ask, forget } = open();
  void ask('a');
  forget('a');
  const late = ask('a');
  underWay[0]?.resolve(1);
  underWay[1]?.resolve(2);
  expect([await late, await ask('a'), begun.length]).toEqual([2, 2, 2]);
});
