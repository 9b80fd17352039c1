/**
 * Where a request comes from. The address of its connection, unless that is a proxy's the operator trusts: then the one that proxy names
 * last in `X-Forwarded-For`, and so on. What others write into that header is ignored.
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

/** Those who share a limit: an IPv4 address, or the network of an IPv6 one (/64), for one household has all of that. */
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

/** Of an IPv4 address in IPv6's clothes, as dual-stack sockets tell it and proxies write it in several ways, the address. */
function plain(address: string): string {
  if (!/ffff:/i.test(address) || isIP(address) !== 6) return address;
  const shortest = new SocketAddress({ address, family: 'ipv6' }).address;
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(shortest)?.[1] ?? address;
}

/** Some proxies name the client's port, too: `192.0.2.7:50000`, `[2001:db8::7]:50000`. */
function withoutPort(named: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(named)?.[1] ?? /^([\d.]+):\d+$/.exec(named)?.[1] ?? named;
}
