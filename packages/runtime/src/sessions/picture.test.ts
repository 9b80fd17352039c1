import { expect, it } from 'vitest';
import { Picture } from './picture.ts';

it('is kept as it was, whatever it holds', () => {
  for (const url of ['data:image/png;base64,AAAA', '', '"\\\n\u0000é\ud83d\ude00']) {
    expect(String(new Picture(url))).toBe(url);
    expect(JSON.parse(String(new Picture(url).json))).toBe(url);
  }
});

it('is written into the memory of the one before, if it has room there', () => {
  const first = new Picture('a'.repeat(1_500));
  const shorter = new Picture('b'.repeat(10), first);
  const longer = new Picture('c'.repeat(2_000), shorter);
  const longest = new Picture('d'.repeat(3_000), longer);
  expect([shorter, longer].map(({ json }) => json.buffer)).toEqual([first.json.buffer, first.json.buffer]);
  expect(longest.json.buffer).not.toBe(first.json.buffer);
  expect(['b'.repeat(10), 'c'.repeat(2_000), 'd'.repeat(3_000)]).toContain(String(longest));
  expect(String(longer)).toBe('c'.repeat(2_000));
  expect(String(longest)).toBe('d'.repeat(3_000));
});
