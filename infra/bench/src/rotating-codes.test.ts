import { expect, it } from 'vitest';
import { createOwnCodes, rotatingCode } from './rotating-codes.ts';

const EVERY_MS = 20_000;

it('gives an instance a new code every 20 s, at its own moments', () => {
  const { turn, bornAt } = rotatingCode(1_101, 1_790_000_000_000);
  expect(bornAt).toBeGreaterThan(1_790_000_000_000 - EVERY_MS);
  expect(rotatingCode(1_101, bornAt)).toEqual({ turn, bornAt });
  expect(rotatingCode(1_101, bornAt - 1).turn).toBe(turn - 1);
  expect(rotatingCode(1_101, bornAt + EVERY_MS)).toEqual({ turn: turn + 1, bornAt: bornAt + EVERY_MS });
  expect(rotatingCode(1_102, bornAt).bornAt).not.toBe(bornAt);
});

it('notes each code once, with the moment of its birth', () => {
  const codes = createOwnCodes();
  const answer = codes.answerFor(1);
  expect(codes.answerFor(1)).toBe(answer);
  codes.answerFor(2);
  const taken = codes.takeNew();
  expect(taken.map(([instance]) => instance)).toEqual([1, 2]);
  for (const [, key, bornMs, answeredMs] of taken) {
    expect(String(answer).length).toBeGreaterThan(key.length);
    expect(answeredMs - bornMs).toBeLessThan(EVERY_MS + 1_000);
  }
  expect(codes.takeNew()).toEqual([]);
});
