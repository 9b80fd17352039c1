import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { BlockList } from 'node:net';

/**
 * Name resolution that never returns an address inside our own network, so that a name on the
 * allow-list cannot be pointed at a neighbouring machine. It is part of the connector, so it checks
 * the same address that is connected to, and a second lookup with another result cannot bypass it.
 * Literal addresses are not looked up. They are reached only if the allow-list names them.
 */

/** All ranges of IANA's special-purpose registry that are not globally reachable, and multicast. */
const PRIVATE_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16', // also the metadata services of cloud providers
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];
/**
 * Everything but 2000::/3, the range that is assigned, and the special ranges inside that. They
 * include IPv4 addresses in every IPv6 form, because a name has an A record for those.
 */
const PRIVATE_V6 = ['::/3', '4000::/2', '8000::/1', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

// Two lists: a common list would treat an IPv4 address as its mapped form, and find it in ::/3.
const privateV4 = listOf(PRIVATE_V4, 'ipv4');
const privateV6 = listOf(PRIVATE_V6, 'ipv6');

/**
 * True for loopback, link-local, private, shared, reserved and multicast addresses, and for IPv4
 * mapped into IPv6.
 */
export function isPrivateAddress(address: string, family: number): boolean {
  if (family !== 6) return privateV4.check(address, 'ipv4');
  const [unscoped = ''] = address.split('%'); // with a zone (fe80::1%eth0) the list would not find it
  return privateV6.check(unscoped, 'ipv6');
}

/** `dns.lookup` with the option `all`. */
export type ResolveAll = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * A resolver for `net.connect`. Only `localhost` and the names in `privateHosts` may resolve to
 * private addresses.
 */
export function createPublicLookup(privateHosts: readonly string[], resolve: ResolveAll = lookup): LookupFunction {
  const exempt = new Set(['localhost', ...privateHosts]);
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const usable = exempt.has(hostname) ? addresses : addresses.filter(({ address, family }) => !isPrivateAddress(address, family));
      const first = usable[0];
      if (first === undefined) return callback(refusal(), []);
      if (options.all === true) return callback(null, usable);
      callback(null, first.address, first.family);
    });
  };
}

/** `EACCES`, as from a firewall: the operator of this service forbids it. */
function refusal(): NodeJS.ErrnoException {
  return Object.assign(new Error('The host resolves to private addresses only, which is not allowed'), { code: 'EACCES' });
}

function listOf(ranges: readonly string[], type: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix] = range.split('/');
    list.addSubnet(network, Number(prefix), type);
  }
  return list;
}
