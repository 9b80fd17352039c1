import { expect, it } from 'vitest';
import type { Returned } from './roles/returning-viewers.ts';
import { catchUps } from './storm.ts';

/** A return of viewer 0, who had version 3 and connected at 1,000 ms. */
const returned = (told: Returned['told'], viewer = 0): Returned => ({ viewer, lostAt: 0, connectAt: 1_000, joinedAt: 1_010, had: 3, told });

it('measures to the first version that is at least the newest from before', () => {
  const sent = [[0, 4, 500], [0, 5, 900], [0, 6, 1_005], [1, 9, 600]] as const; // biome-ignore format: one line
  expect(catchUps(sent, [returned([[4, 1_020], [5, 1_030], [6, 1_040]])], 2)).toEqual([30]); // biome-ignore format: one line
  expect(catchUps(sent, [returned([[6, 1_050]])], 2)).toEqual([50]);
});

it('counts no return that had missed nothing', () => {
  expect(catchUps([[0, 3, 500], [0, 4, 1_500]], [returned([[4, 1_600]])], 2)).toEqual([]); // biome-ignore format: one line
});

it('says of a viewer that was cut again before that it did not catch up', () => {
  expect(catchUps([[0, 4, 500]], [returned([])], 2)).toEqual([null]);
});

it('knows the session of a viewer by its number', () => {
  expect(catchUps([[1, 4, 500]], [returned([[4, 1_020]], 3)], 2)).toEqual([20]);
});
