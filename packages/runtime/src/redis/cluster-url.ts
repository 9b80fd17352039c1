/**
 * The address of a Redis Cluster:
 *
 *   redis+cluster://[user:password@]host[:port],host[:port]…
 *
 * The hosts are any of its nodes; the others are learned from them. Several hosts after `redis://`
 * mean the same. `rediss` in place of `redis` means TLS to all nodes.
 */

import { type Credentials, type Host, parseHosts, parseUrlParts } from './url-parts.ts';

export interface ClusterAddress {
  readonly nodes: readonly Host[];
  /** The same on every node. */
  readonly user: Credentials;
  readonly tls: boolean;
}

export const CLUSTER_FORM = 'redis+cluster://[user:password@]host:port,host:port';

const DEFAULT_PORT = 6379;

export const isClusterUrl = (address: string): boolean =>
  /^rediss?(?:\+cluster:|:\/\/(?:[^@/?#]*@)?[^@/?#]*,[^@/?#]*(?:[/?#]|$))/.test(address);

/** @throws {Error} that says what was expected, and repeats nothing of the address */
export function parseClusterUrl(address: string): ClusterAddress {
  const { tls, user, hosts, path } = parseUrlParts(address, CLUSTER_FORM, []);
  if (hosts === '') throw new Error(`expected hosts of the cluster, as in ${CLUSTER_FORM}`);
  if (path !== '' && path !== '0') throw new Error('expected no database after the hosts; a cluster has only one');
  return { nodes: parseHosts(hosts, DEFAULT_PORT, 'a node of the cluster'), user, tls };
}
