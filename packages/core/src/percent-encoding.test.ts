import { expect, it } from 'vitest';
import { percentDecoded } from './percent-encoding.ts';

it.each([
  ['', ''],
  ['plain+text', 'plain+text'],
  ['%D0%B8%2f', 'и/'],
  ['%2525', '%25'],
  ['100%', null],
  ['%zz', null],
  ['%ff', null],
  ['%ED%A0%80', null],
])('%j is %j', (text, decoded) => {
  expect(percentDecoded(text)).toBe(decoded);
});
