/** For tests: whether a NetworkPolicy lets a connection through, as Kubernetes documents it. */

import { BlockList, isIPv6 } from 'node:net';
import type { Labels, PolicyPeer, Rule, Selector } from './kinds.ts';

/** The other side: a pod, whose namespace has labels if it is another one, or an address outside. */
export type Peer = { readonly pod: Labels; readonly namespace?: Labels } | { readonly address: string };

/** @param port a number, or the name of a port of the pods that the policy selects */
export function lets(rules: readonly Rule[], peer: Peer, port: number | string, protocol = 'TCP'): boolean {
  return rules.some(({ ports, from, to }) => {
    const isPort = ports === undefined || ports.some((entry) => entry.protocol === protocol && hasPort(entry.port, entry.endPort, port));
    const peers = from ?? to;
    return isPort && (peers === undefined || peers.some((one) => isPeer(one, peer)));
  });
}

const hasPort = (first: number | string, last: number | undefined, port: number | string): boolean =>
  first === port || (typeof first === 'number' && typeof port === 'number' && last !== undefined && port >= first && port <= last);

function isPeer({ podSelector, namespaceSelector, ipBlock }: PolicyPeer, peer: Peer): boolean {
  if ('address' in peer)
    return ipBlock !== undefined && isIn(ipBlock.cidr, peer.address) && !ipBlock.except?.some((cidr) => isIn(cidr, peer.address));
  if (ipBlock !== undefined) return false;
  // Without a selector of namespaces only the policy's own namespace is meant.
  const isNamespace = namespaceSelector === undefined ? peer.namespace === undefined : selects(namespaceSelector, peer.namespace ?? {});
  return isNamespace && (podSelector === undefined || selects(podSelector, peer.pod));
}

const selects = ({ matchLabels = {} }: Selector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([name, value]) => labels[name] === value);

function isIn(cidr: string, address: string): boolean {
  const [network = '', bits] = cidr.split('/');
  const [family, other] = [network, address].map((one) => (isIPv6(one) ? 'ipv6' : 'ipv4')) as ['ipv4' | 'ipv6', 'ipv4' | 'ipv6'];
  if (family !== other) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(address, family);
}
