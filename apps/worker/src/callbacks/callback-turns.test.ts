import { expect, test } from 'vitest';
import { createCallbackTurns, type Turn } from './callback-turns.ts';

const taken = (turn: Turn | number): Turn => {
  if (typeof turn === 'number') throw new Error(`no turn for ${turn} ms`);
  return turn;
};

test('a tenant has so many turns at once, whatever another has', () => {
  const turns = createCallbackTurns({ atOnce: 2, now: () => 0 });
  const first = taken(turns.take('a'));
  taken(turns.take('a'));
  expect(turns.take('a')).toBe(250);
  taken(turns.take('b'));
  first.leave(true);
  taken(turns.take('a'));
});

test('however many find no turn, so many a second come back', () => {
  let now = 0;
  const turns = createCallbackTurns({ atOnce: 1, now: () => now });
  taken(turns.take('a'));
  const waits = Array.from({ length: 10_000 }, () => Number(turns.take('a')));
  const backAt = waits.filter((ms) => ms >= 1_000 && ms < 2_000);
  expect(backAt).toHaveLength(200);
  now = 60_000;
  expect(turns.take('a')).toBe(250); // they have all been here
});

test('a server that is down is asked by one at a time, after a while, until it answers', () => {
  let now = 0;
  const turns = createCallbackTurns({ atOnce: 2, now: () => now });
  for (let i = 0; i < 20; i++) taken(turns.take('a')).leave(false);
  expect(turns.take('a')).toBe(15_000);
  now = 15_000;
  const probe = taken(turns.take('a'));
  expect(turns.take('a')).toBe(15_000);
  expect(turns.take('a')).toBe(15_050);
  probe.leave(false);
  now = 30_000;
  taken(turns.take('a')).leave(true);
  taken(turns.take('a'));
  taken(turns.take('a'));
});

test('failures that do not follow one another are no sign of a server that is down', () => {
  const turns = createCallbackTurns();
  for (let i = 0; i < 40; i++) taken(turns.take('a')).leave(i % 10 === 0);
});
