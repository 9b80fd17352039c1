/**
 * Tells the address that a request comes from: the address of its connection. If that is a proxy
 * the operator trusts, it is the address that the proxy wrote last into `X-Forwarded-For`, and so
 * on from proxy to proxy. Everything else in that header is ignored, because anybody can write it.
 */

import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { createAddressSet } from '@qrcast/runtime/process/address-range';
import ipaddr from 'ipaddr.js';

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
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv6.parse(withoutZone(address)).parts;
  return `${[a, b, c, d].map((part) => part.toString(16)).join(':')}::/64`;
}

/**
 * Turns an IPv4-mapped IPv6 address into the IPv4 address. Dual-stack sockets report such
 * addresses, and proxies write them in several ways. ipaddr.js would take `::192.0.2.7`, which is
 * not mapped, for one as well.
 */
function plain(address: string): string {
  if (!/ffff:/i.test(address) || isIP(address) !== 6) return address;
  const parsed = ipaddr.IPv6.parse(withoutZone(address));
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : address;
}

/** Node names the interface after `%`, and some names (`br-0af1`, `eth0.100`) make ipaddr.js throw. */
function withoutZone(address: string): string {
  return address.split('%', 1)[0] ?? '';
}

/**
 * Removes the port of the client, which some proxies add: `192.0.2.7:50000`, `[2001:db8::7]:50000`.
 */
function withoutPort(named: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(named)?.[1] ?? /^([\d.]+):\d+$/.exec(named)?.[1] ?? named;
}
