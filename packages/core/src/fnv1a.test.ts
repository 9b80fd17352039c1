import { expect, test } from 'vitest';
import { fnv1a } from './fnv1a.ts';

// Processes of different versions must agree, because the hash chooses the shard of an instance.
test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('the hash of %j is the published one', (text, hash) => {
  expect(fnv1a(text)).toBe(hash);
});
