import { expect, it } from 'vitest';
import { codeLatencies, keyOf } from './code-latencies.ts';
import { createPictures } from './picture.ts';

it('measures from the answer and from the birth of a code to its first showing', () => {
  const answered = [[7, 'a', 1_000, 3_000], [7, 'b', 21_000, 23_000], [8, 'a', 500, 600]] as const; // biome-ignore format: one line
  const seen = [[7, 'a', 3_004], [7, 'a', 8_000], [8, 'a', 603], [7, 'old', 1]] as const; // biome-ignore format: one line
  expect(codeLatencies(answered, seen)).toEqual({ fromAnswer: [4, 3], fromBirth: [2_004, 103], unseen: 1 });
});

it('tells pictures apart by their keys', () => {
  const keys = createPictures(20).map(keyOf);
  expect(new Set(keys).size).toBe(20);
  expect(keys.every((key) => key.length === 24)).toBe(true);
});
