import type { LookupAddress, LookupOptions, lookup } from 'node:dns';
import { expect, test } from 'vitest';
import { createPublicLookup, isPrivateAddress } from './public-lookup.ts';

const PUBLIC: LookupAddress = { address: '51.250.12.167', family: 4 };
const PRIVATE: LookupAddress = { address: '10.0.0.7', family: 4 };

test.each([
  ['0.0.0.0', 4],
  ['10.255.0.1', 4],
  ['100.64.0.1', 4],
  ['127.0.0.1', 4],
  ['169.254.169.254', 4],
  ['172.31.255.255', 4],
  ['192.168.1.1', 4],
  ['192.0.0.1', 4],
  ['192.0.2.1', 4],
  ['192.88.99.1', 4],
  ['198.18.0.1', 4],
  ['198.51.100.1', 4],
  ['203.0.113.1', 4],
  ['224.0.0.1', 4],
  ['240.0.0.1', 4],
  ['255.255.255.255', 4],
  ['::', 6],
  ['::1', 6],
  ['::127.0.0.1', 6],
  ['::ffff:127.0.0.1', 6],
  ['::ffff:a9fe:a9fe', 6],
  ['::ffff:51.250.12.167', 6],
  ['0:0:0:0:0:ffff:10.0.0.1', 6],
  ['64:ff9b::10.0.0.1', 6],
  ['64:ff9b:1::1', 6],
  ['100::1', 6],
  ['2001::1', 6],
  ['2001:2::1', 6],
  ['2001:10::1', 6],
  ['2001:db8::1', 6],
  ['2002:7f00:1::', 6],
  ['3fff::1', 6],
  ['5f00::1', 6],
  ['fd00:ec2::254', 6],
  ['fe80::1', 6],
  ['fe80::1%eth0', 6],
  ['fec0::1', 6],
  ['ff02::1', 6],
])('%s is private', (address, family) => {
  expect(isPrivateAddress(address, family)).toBe(true);
});

test.each([
  ['51.250.12.167', 4],
  ['172.32.0.1', 4],
  ['100.128.0.1', 4],
  ['192.0.1.1', 4],
  ['223.255.255.255', 4],
  ['2001:200::1', 6],
  ['2a0d:d6c0::1', 6],
])('%s is public', (address, family) => {
  expect(isPrivateAddress(address, family)).toBe(false);
});

test('private addresses are removed, and a host without others cannot be reached', async () => {
  await expect(resolve([PRIVATE, PUBLIC], { all: true })).resolves.toEqual([PUBLIC]);
  await expect(resolve([PRIVATE, PUBLIC], {})).resolves.toBe(PUBLIC.address);
  await expect(resolve([PRIVATE], { all: true })).rejects.toMatchObject({ code: 'EACCES' });
});

test('a name that was public and is not any more is checked by its new address', async () => {
  const answers = [[PUBLIC], [PRIVATE]];
  const rebinding = ((_host: string, _options: LookupOptions, callback: (error: null, found: LookupAddress[]) => void) =>
    callback(null, answers.shift() ?? [])) as typeof lookup;
  const ask = createPublicLookup([], rebinding);
  const found = () =>
    new Promise((settle, fail) => ask('mirror.example', {}, (error, address) => (error === null ? settle(address) : fail(error))));
  await expect(found()).resolves.toBe(PUBLIC.address);
  await expect(found()).rejects.toMatchObject({ code: 'EACCES' });
});

test('a host named by the operator may be private', async () => {
  await expect(resolve([PRIVATE], { all: true }, ['mirror.example'])).resolves.toEqual([PRIVATE]);
  await expect(resolve([PRIVATE], { all: true }, ['other.example'])).rejects.toMatchObject({ code: 'EACCES' });
});

test('the real resolver: localhost is reachable', async () => {
  const found = await new Promise((settle) => {
    createPublicLookup([])('localhost', { family: 4 }, (_error, address) => settle(address));
  });
  expect(found).toBe('127.0.0.1');
});

/** The result of the lookup, for a host with these addresses. */
function resolve(addresses: LookupAddress[], options: LookupOptions, privateHosts: string[] = []): Promise<unknown> {
  const answers = ((_host: string, _options: LookupOptions, callback: (error: null, found: LookupAddress[]) => void) =>
    callback(null, addresses)) as typeof lookup;
  return new Promise((settle, fail) => {
    createPublicLookup(privateHosts, answers)('mirror.example', options, (error, found) => (error ? fail(error) : settle(found)));
  });
}
