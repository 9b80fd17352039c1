import { describe, expect, it } from 'vitest';
import { createAddressSet, parseAddressRange } from './address-range.ts';

describe('an address range', () => {
  it.each([
    ['10.0.0.1', 32],
    ['10.0.0.0/8', 8],
    ['0.0.0.0/0', 0],
    ['fd00::/8', 8],
    ['::1', 128],
  ])('can be %s', (text, prefix) => {
    expect(parseAddressRange(text)).toMatchObject({ prefix });
  });

  it.each(['', 'localhost', '10.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '::1/129', 'fe80::1%eth0', '1.2.3.4:80'])(
    'cannot be %j',
    (text) => {
      expect(parseAddressRange(text)).toBeNull();
    },
  );
});

it('a set contains the addresses of its ranges, IPv4 also in IPv6 form, and no others', () => {
  const has = createAddressSet(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', 'nonsense']);
  const held = ['10.255.0.1', '::ffff:10.1.2.3', '192.0.2.7', 'fd12::1'];
  const others = ['11.0.0.1', '::ffff:11.0.0.1', '192.0.2.8', 'fe80::1', 'nonsense', ''];
  expect(held.map(has)).toEqual(held.map(() => true));
  expect(others.map(has)).toEqual(others.map(() => false));
  expect(createAddressSet([])('127.0.0.1')).toBe(false);
});
