import { expect, it } from 'vitest';
import { ReusedBytes } from './reused-bytes.ts';

it('is empty before the first text', () => {
  expect(String(new ReusedBytes())).toBe('');
});

it('writes each text over the one before, if it has room there', () => {
  const kept = new ReusedBytes();
  const memories = ['é'.repeat(700), 'b', 'c'.repeat(2_000), 'd'.repeat(2_100), ''].map((text) => {
    kept.write(text);
    expect(String(kept)).toBe(text);
    return kept.bytes.buffer;
  });
  expect(memories[1]).toBe(memories[0]);
  expect(memories[2]).toBe(memories[0]);
  expect(memories[3]).not.toBe(memories[0]);
  expect(kept.bytes).toHaveLength(0);
});

it('makes no new view of a text of the same length', () => {
  const kept = new ReusedBytes();
  kept.write('one');
  const { bytes } = kept;
  kept.write('two');
  expect(kept.bytes).toBe(bytes);
  expect(String(bytes)).toBe('two');
});
