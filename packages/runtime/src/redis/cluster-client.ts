/** A client of a Redis Cluster, and which of its masters has which key. */

import { Cluster, type ClusterOptions, Command, type Redis, type RedisOptions } from 'ioredis';
import { parseClusterUrl } from './cluster-url.ts';
import { tlsOptions } from './redis-address.ts';

/** `host:port`, as the cluster names the node. */
export type NodeName = string;

export interface ClusterClientOptions {
  /** Of the connection to each node. `commandTimeout` also counts the time without any node. */
  readonly redisOptions: Omit<RedisOptions, 'replyMapping' | 'retryStrategy' | 'enableAutoPipelining'>;
  readonly retryStrategy: (attempt: number) => number;
}

/**
 * A node that is replaced keeps commands waiting until another one has its slots. ioredis would give
 * up after 1.6 s, and a cluster takes its `cluster-node-timeout`, which is 15 s as it comes.
 */
const RETRY = { retryDelayOnFailover: 100, retryDelayOnClusterDown: 100, retryDelayOnTryAgain: 50, maxRedirections: 1_000 };
/** The map of the slots is asked for this often, whatever happens. */
const REFRESH_EVERY_MS = 10_000;
const REFRESH_WITHIN_MS = 2_000;

/**
 * Pipelines are not made automatically: if one slot of a batch has moved, ioredis 6.0 fails its
 * command instead of following it.
 */
export function createClusterClient(address: string, { redisOptions, retryStrategy }: ClusterClientOptions): Cluster {
  const { nodes, user, tls } = parseClusterUrl(address);
  const options = {
    ...RETRY,
    redisOptions: { ...redisOptions, ...user, ...(tls ? { tls: tlsOptions(address).tls ?? {} } : {}) },
    clusterRetryStrategy: retryStrategy,
    slotsRefreshTimeout: REFRESH_WITHIN_MS,
    dnsLookup: (host, callback) => callback(null, host), // TLS checks the name
  } satisfies ClusterOptions;
  const cluster = new TimedCluster(
    nodes.map(({ host, port }) => ({ host, port })),
    options,
  );
  // An interval of ioredis 6.0 itself can outlive the client.
  const timer = setInterval(() => cluster.refreshSlotsCache(), REFRESH_EVERY_MS);
  cluster.once('end', () => clearInterval(timer));
  return cluster;
}

/** ioredis counts the time of a command only from when a node is found. */
class TimedCluster extends Cluster {
  override sendCommand(command: Command, ...rest: [stream?: never, node?: unknown]): unknown {
    const timeoutMs = this.options.redisOptions?.commandTimeout;
    if (timeoutMs !== undefined) command.setTimeout(timeoutMs);
    return super.sendCommand(command, ...rest);
  }
}

export const slotOf = (key: string): number => new Command('get', [key]).getSlot();

/** Undefined while no master is known for the slot. */
export const masterOfSlot = (cluster: Pick<Cluster, 'slots'>, slot: number): NodeName | undefined => cluster.slots[slot]?.[0];

/** The masters that have slots. */
export const mastersOf = ({ slots }: Pick<Cluster, 'slots'>): Set<NodeName> => new Set(slots.flatMap(([master]) => master ?? []));

/** The client's connection to the node. Undefined: it has none. */
export const connectionTo = (cluster: Cluster, name: NodeName): Redis | undefined =>
  cluster.nodes().find(({ options }) => `${options.host}:${options.port}` === name);

/**
 * A key that this master has. Null: it has no slots, as far as the client knows.
 * @param keyOf makes a key of a number, with that number in its hash tag. The keys are tried in turn.
 */
export function keyAt(cluster: Pick<Cluster, 'slots'>, name: NodeName, keyOf: (nth: number) => string): string | null {
  if (!cluster.slots.some(([master]) => master === name)) return null;
  for (let nth = 0; nth < MOST_KEYS; nth++) {
    const key = keyOf(nth);
    if (masterOfSlot(cluster, slotOf(key)) === name) return key;
  }
  return null;
}

/** A master with one slot of 16,384 is found by about as many. */
const MOST_KEYS = 200_000;
