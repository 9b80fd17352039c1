import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { BlockList } from 'node:net';

/**
 * Name resolution that never answers with an address inside our own network, so that a name on the allow-list cannot be pointed at a
 * neighbour. It sits in the connector and so judges the very address that is connected to: a second, different answer has no chance.
 * Literal addresses are not looked up at all; they are reached only if the allow-list names them.
 */

const PRIVATE_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/3',
];
const PRIVATE_V6 = ['::/127', '64:ff9b::/96', '64:ff9b:1::/48', '2002::/16', 'fc00::/7', 'fe80::/10', 'ff00::/8'];

const privateRanges = createPrivateRanges();

/** True for loopback, link-local, private, shared and multicast addresses, also as IPv4 mapped into IPv6. */
export function isPrivateAddress(address: string, family: number): boolean {
  return privateRanges.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** A resolver for `net.connect`. `localhost` and the names in `privateHosts` may resolve to anything; nobody else to private addresses. */
export function createPublicLookup(privateHosts: readonly string[], resolve: typeof lookup = lookup): LookupFunction {
  const exempt = new Set(['localhost', ...privateHosts]);
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const usable = exempt.has(hostname) ? addresses : addresses.filter(({ address, family }) => !isPrivateAddress(address, family));
      const first = usable[0];
      if (first === undefined) return callback(refusal(addresses), []);
      if (options.all === true) return callback(null, usable);
      callback(null, first.address, first.family);
    });
  };
}

function refusal(addresses: readonly LookupAddress[]): NodeJS.ErrnoException {
  const text = addresses.length === 0 ? 'The host has no address' : 'The host resolves to private addresses only, which is not allowed';
  return Object.assign(new Error(text), { code: 'EACCES' });
}

function createPrivateRanges(): BlockList {
  const list = new BlockList();
  for (const range of PRIVATE_V4) addRange(list, range, 'ipv4');
  for (const range of PRIVATE_V6) addRange(list, range, 'ipv6');
  return list;
}

function addRange(list: BlockList, range: string, type: 'ipv4' | 'ipv6'): void {
  const [network = '', prefix] = range.split('/');
  list.addSubnet(network, Number(prefix), type);
}
