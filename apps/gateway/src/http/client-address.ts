/**
 * Tells the address that a request comes from: the address of its connection. If that is a proxy
 * the operator trusts, it is the address that the proxy wrote last into `X-Forwarded-For`, and so
 * on from proxy to proxy. Everything else in that header is ignored, because anybody can write it.
 */

import type { IncomingMessage } from 'node:http';
import { isIP, SocketAddress } from 'node:net';
import { createAddressSet } from '@qrcast/runtime/process/address-range';

export type AddressOf = (request: IncomingMessage) => string;

export function createAddressOf(trustedProxies: readonly string[]): AddressOf {
  const isTrustedProxy = createAddressSet(trustedProxies);
  return ({ socket, headers }) => {
    let address = plain(socket.remoteAddress ?? '');
    const named = [headers['x-forwarded-for'] ?? []].flat().join().split(',');
    while (isTrustedProxy(address)) {
      const before = plain(withoutPort(named.pop()?.trim() ?? ''));
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
}

/**
 * Names the group of addresses that shares a limit: an IPv4 address, or the /64 network of an IPv6
 * address, because a household usually has a whole /64.
 */
export function addressGroup(given: string): string {
  const address = plain(given);
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/**
 * Turns an IPv4-mapped IPv6 address into the IPv4 address. Dual-stack sockets report such
 * addresses, and proxies write them in several ways.
 */
function plain(address: string): string {
  if (!/ffff:/i.test(address) || isIP(address) !== 6) return address;
  const shortest = new SocketAddress({ address, family: 'ipv6' }).address;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(shortest)?.[1] ?? address;
}

/**
 * Removes the port of the client, which some proxies add: `192.0.2.7:50000`, `[2001:db8::7]:50000`.
 */
function withoutPort(named: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(named)?.[1] ?? /^([\d.]+):\d+$/.exec(named)?.[1] ?? named;
}
