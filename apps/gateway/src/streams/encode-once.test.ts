import { expect, it } from 'vitest';
import { encodeOnce } from './encode-once.ts';

it('encodes the same object once, but an equal object again', () => {
  let count = 0;
  const encode = encodeOnce(({ name }: { name: string }) => Buffer.from(`${name} ${++count}`));
  const message = { name: 'é' };
  expect(String(encode(message))).toBe('é 1');
  expect(encode(message)).toBe(encode(message));
  expect(String(encode({ name: 'é' }))).toBe('é 2');
});
