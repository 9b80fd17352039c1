import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from './retry-after.ts';

const NOW = Date.parse('2026-09-21T13:14:00Z');

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    ['0', 0],
    ['007', 7_000],
    ['1.5', 1_500],
    ['2592000', 2_592_000_000],
    ['9'.repeat(400), Number.POSITIVE_INFINITY],
    ['Mon, 21 Sep 2026 13:14:30 GMT', 30_000],
    ['Monday, 21-Sep-26 13:14:30 GMT', 30_000],
    ['Mon Sep 21 13:14:30 2026', 30_000],
    ['mon, 21 sep 2026 13:14:30 gmt', 30_000],
    ['Mon, 21 Sep 2026 15:14:30 +0200', 30_000],
    ['Fri, 31 Dec 9999 23:59:59 GMT', Date.parse('9999-12-31T23:59:59Z') - NOW],
    ['5, 60', 60_000],
    ['60,5', 60_000],
    ['5, Mon, 21 Sep 2026 13:14:30 GMT', 30_000],
    ['Mon, 21 Sep 2026 13:14:30 GMT, 5', 30_000],
    ['soon, 5', 5_000],
  ])('%s', (header, expected) => {
    expect(parseRetryAfter(header, NOW)).toBe(expected);
  });

  it.each([
    null,
    '',
    ' ',
    ',',
    ',,,',
    '-5',
    '+5',
    'NaN',
    'Infinity',
    '1e3',
    '0x10',
    '5s',
    '٥',
    'soon',
    'Mon',
    'Mon, 99 Foo 2026 99:99:99 GMT',
    'Mon, 21 Sep 2026 13:13:59 GMT',
    'Fri, 31 Dec 1999 23:59:59 GMT',
    'Sun Nov  6 08:49:37 1994',
  ])('is 0 for %j', (header) => {
    expect(parseRetryAfter(header, NOW)).toBe(0);
  });
});
