import type { IncomingMessage } from 'node:http';
import { createLog } from '@qrcast/runtime/log';
import { describe, expect, it } from 'vitest';
import { createAddressRates } from '../auth/address-rates.ts';
import { addressGroup, createAddressOf } from './client-address.ts';

const request = (remoteAddress: string, forwarded?: string) =>
  // The only parts that are read.
  ({ socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }) as IncomingMessage;

describe('the address of a request', () => {
  it.each([
    ['nobody is trusted', [], '127.0.0.1', '203.0.113.7', '127.0.0.1'],
    ['the proxy is trusted', ['127.0.0.1'], '127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['a dual-stack socket tells the proxy', ['127.0.0.1'], '::ffff:127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['another connects', ['127.0.0.1'], '203.0.113.1', '203.0.113.7', '203.0.113.1'],
    ['the client wrote something before', ['10.0.0.0/8'], '10.0.0.1', '1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['there are two proxies', ['10.0.0.0/8'], '10.0.0.1', '1.1.1.1, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['all are proxies', ['10.0.0.0/8'], '10.0.0.1', '10.0.0.3,10.0.0.2', '10.0.0.3'],
    ['there is no header', ['10.0.0.0/8'], '10.0.0.1', undefined, '10.0.0.1'],
    ['it is no address', ['10.0.0.0/8'], '10.0.0.1', 'unknown', '10.0.0.1'],
    ['the proxy names a port', ['10.0.0.0/8'], '10.0.0.1', '203.0.113.7:50000', '203.0.113.7'],
    ['the proxy names a port after IPv6', ['10.0.0.0/8'], '10.0.0.1', '[2001:db8::7]:50000', '2001:db8::7'],
    ['the proxy writes IPv4 as IPv6', ['10.0.0.0/8'], '10.0.0.1', '::FFFF:cb00:7107', '203.0.113.7'],
    ['the proxy names nobody after what the client wrote', ['10.0.0.0/8'], '10.0.0.1', '203.0.113.7, ', '10.0.0.1'],
    ['the proxy speaks IPv6', ['fd00::/8'], 'fd00::1', '2001:db8::7', '2001:db8::7'],
    ['the proxy names a zone', ['10.0.0.0/8'], '10.0.0.1', 'fe80::1%br-0af1', 'fe80::1%br-0af1'],
  ])('when %s', (_when, trusted, remote, forwarded, expected) => {
    expect(createAddressOf(trusted)(request(remote, forwarded))).toBe(expected);
  });
});

describe('the group of addresses that shares a limit', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:ffff::1', '2001:db8:1:ffff::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%br-0af1', 'fe80:0:0:0::/64'],
    ['fe80::1%eth0.100', 'fe80:0:0:0::/64'],
    ['::ffff:203.0.113.7%br-0af1', '203.0.113.7'],
    ['::203.0.113.7', '0:0:0:0::/64'],
    ['no address', 'no address'],
  ])('of %s is %s', (address, group) => {
    expect(addressGroup(address)).toBe(group);
  });
});

describe('the rate of an address', () => {
  const limits = { handshakesPerAddressPerMinute: 6, failuresPerAddressPerMinute: 6 };
  function ratesAt(clock: { ms: number }) {
    const addressOf = createAddressOf([]);
    return createAddressRates({ addressOf, limits, log: createLog('test', 'silent'), now: () => clock.ms });
  }

  it('allows a call again after the time that was told, and not before', () => {
    const clock = { ms: 1_000_000 };
    const rates = ratesAt(clock);
    const one = request('203.0.113.7');
    for (let i = 0; i < 6; i++) expect(rates.refuseHandshake(one)).toBeNull();
    const { retryAfterMs = 0 } = rates.refuseHandshake(one) ?? {};
    expect(retryAfterMs).toBe(10_000);
    clock.ms += retryAfterMs - 1;
    expect(rates.refuseHandshake(one)).not.toBeNull();
    clock.ms += 1;
    expect(rates.refuseHandshake(one)).toBeNull();
    expect(rates.refuseHandshake(one)).not.toBeNull();
  });

  it('counts an IPv6 network as one address, and others separately', () => {
    const rates = ratesAt({ ms: 0 });
    for (let i = 0; i < 6; i++) rates.refuseHandshake(request(`2001:db8::${i}`));
    expect(rates.refuseHandshake(request('2001:db8::ffff'))).not.toBeNull();
    expect(rates.refuseHandshake(request('2001:db8:0:1::1'))).toBeNull();
  });

  it('remembers a bounded number of addresses, the latest ones', () => {
    const rates = ratesAt({ ms: 0 });
    const busy = request('198.51.100.1');
    for (let i = 0; i < 6; i++) rates.refuseHandshake(busy);
    for (let i = 0; i < 20_000; i++) {
      rates.refuseHandshake(request(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`));
      if (i % 5_000 === 0) expect(rates.refuseHandshake(busy)).not.toBeNull();
    }
    for (let i = 0; i < 12_000; i++) rates.refuseHandshake(request(`11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`));
    expect(rates.refuseHandshake(busy)).toBeNull(); // forgotten
  });
});
