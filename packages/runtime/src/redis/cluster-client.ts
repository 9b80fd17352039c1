/** A client of a Redis Cluster, and which of its masters has which key. */

import type { Writable } from 'node:stream';
import { Cluster, type ClusterNode, type ClusterOptions, Command, type Redis, type RedisOptions } from 'ioredis';
import { parseClusterUrl } from './cluster-url.ts';
import { tlsOptions } from './redis-address.ts';
import { writeInBatches } from './write-batches.ts';

/** `host:port`, as the cluster names the node. */
export type NodeName = string;

export interface ClusterClientOptions {
  /** Of the connection to each node. `commandTimeout` also counts the time without any node. */
  readonly redisOptions: Omit<RedisOptions, 'replyMapping' | 'retryStrategy'>;
  readonly retryStrategy: (attempt: number) => number;
}

/**
 * A node that is replaced keeps commands waiting until another one has its slots. ioredis would give
 * up after 1.6 s, and a cluster takes its `cluster-node-timeout`, which is 15 s by default. While two
 * nodes name each other, a command must not bounce without a pause.
 */
const RETRY = {
  retryDelayOnMoved: 20,
  retryDelayOnFailover: 100,
  retryDelayOnClusterDown: 100,
  retryDelayOnTryAgain: 50,
  maxRedirections: 1_000,
};
/** The map of the slots is asked for this often, whatever happens. */
const REFRESH_EVERY_MS = 10_000;
const REFRESH_WITHIN_MS = 2_000;
const ASKED_WITHIN_MS = 5_000;

/**
 * ioredis makes no pipelines: if one slot of a batch has moved, version 6.0 fails its command instead
 * of following it. `writeInBatches` puts several commands into one write, which is as cheap.
 */
export function createClusterClient(address: string, { redisOptions, retryStrategy }: ClusterClientOptions): Cluster {
  const { nodes, user, tls } = parseClusterUrl(address);
  return new ClusterClient(
    nodes.map(({ host, port }) => ({ host, port })),
    {
      ...RETRY,
      redisOptions: { ...redisOptions, enableAutoPipelining: false, ...user, ...(tls ? { tls: tlsOptions(address).tls ?? {} } : {}) },
      clusterRetryStrategy: retryStrategy,
      slotsRefreshTimeout: REFRESH_WITHIN_MS,
      dnsLookup: (host, callback) => callback(null, host), // TLS checks the name
    },
    redisOptions.enableAutoPipelining === true,
  );
}

type Rest = [stream?: never, node?: unknown];

/** As ioredis says it; BullMQ knows it by this text. */
const CLOSED = 'Connection is closed.';

/**
 * What ioredis 6.0 does otherwise: it counts the time of a command only from when a node is found, and
 * runs commands whose callers have given up, whenever a node is found again. It is used once: after
 * its end it cannot be connected again. The client with which BullMQ waits for jobs can, so BullMQ
 * makes a plain one (`duplicate`).
 */
class ClusterClient extends Cluster {
  /** Commands for which no node is known now. */
  readonly #waiting = new Map<Command, Rest>();
  /** By `performance.now()`. A command that is sent again, as those of a transaction are, gets no more time. */
  readonly #deadlines = new WeakMap<Command, number>();
  #hasEnded = false;

  constructor(seeds: ClusterNode[], options: ClusterOptions, isPipelined: boolean) {
    super(seeds, options as never); // its type does not know an exact optional property
    this.on('+node', (node) => mendNode(node, isPipelined));
    this.on('ready', () => this.#sendWaiting());
    // An interval of ioredis itself can outlive the client.
    const timer = setInterval(() => this.refreshSlotsCache(), REFRESH_EVERY_MS);
    this.once('end', () => {
      clearInterval(timer);
      this.#hasEnded = true;
      for (const command of this.#waiting.keys()) command.reject(new Error(CLOSED));
    });
  }

  override sendCommand(command: Command, ...rest: Rest): unknown {
    this.#limit(command);
    if (this.#hasEnded) command.reject(new Error(CLOSED));
    if (command.isSettled) return command.promise;
    if (this.status === 'ready' || command.name === 'cluster') return super.sendCommand(command, ...rest);
    this.#waiting.set(command, rest);
    const forget = (): void => void this.#waiting.delete(command);
    command.promise.then(forget, forget);
    return command.promise;
  }

  /** BullMQ makes the client with it that waits for jobs. */
  override duplicate(...options: Parameters<Cluster['duplicate']>): never {
    const copy = super.duplicate(...options);
    copy.on('+node', (node) => mendNode(node, false));
    return copy as never; // ioredis derives its type from the options
  }

  /** A node that is frozen must not hold up the question which node has what. */
  #limit(command: Command): void {
    const timeoutMs = this.options.redisOptions?.commandTimeout ?? (command.name === 'cluster' ? ASKED_WITHIN_MS : null);
    if (timeoutMs === null) return;
    const deadline = this.#deadlines.get(command) ?? performance.now() + timeoutMs;
    this.#deadlines.set(command, deadline);
    command.setTimeout(Math.max(1, deadline - performance.now()));
  }

  #sendWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [command, rest] of waiting) void this.sendCommand(command, ...rest);
  }
}

/**
 * A retry, or a connection that comes back, must not run what nobody waits for any more. And nobody
 * awaits the ASKING that ioredis sends, so its failure would end the process.
 */
function mendNode(redis: Redis, isPipelined: boolean): void {
  const send = redis.sendCommand.bind(redis);
  const batch = writeInBatches(() => redis.stream as Writable | undefined, isPipelined);
  redis.sendCommand = (command, stream) => {
    if (command.isSettled) return command.promise;
    batch(command);
    return send(command, stream);
  };
  redis.asking = (() => {
    const asking = new Command('asking');
    asking.promise.catch(() => undefined); // the command behind it fails, too
    return redis.sendCommand(asking);
  }) as typeof redis.asking;
}

export const slotOf = (key: string): number => new Command('get', [key]).getSlot();

/** Undefined while no master is known for the slot. */
export const masterOfSlot = (cluster: Pick<Cluster, 'slots'>, slot: number): NodeName | undefined => cluster.slots[slot]?.[0];

/** The masters that have slots. */
export function mastersOf({ slots }: Pick<Cluster, 'slots'>): Set<NodeName> {
  const masters = new Set<NodeName>();
  for (const nodes of slots) if (nodes?.[0] !== undefined) masters.add(nodes[0]);
  return masters;
}

/** The client's connection to the node. Undefined: it has none. */
export const connectionTo = (cluster: Cluster, name: NodeName): Redis | undefined =>
  cluster.nodes().find(({ options }) => `${options.host}:${options.port}` === name);

/** Asks the cluster which node has which slot. */
export const refreshSlots = (cluster: Cluster): Promise<void> =>
  new Promise((resolve, reject) => {
    cluster.refreshSlotsCache((error) => (error ? reject(error) : resolve()));
  });

/**
 * A key that this master has. Null: it has no slots, as far as the client knows.
 * @param keyOf makes a key of a number, with that number in its hash tag. The keys are tried in turn.
 */
export function keyAt(cluster: Pick<Cluster, 'slots'>, name: NodeName, keyOf: (nth: number) => string): string | null {
  if (!cluster.slots.some((nodes) => nodes?.[0] === name)) return null;
  for (let nth = 0; nth < MOST_KEYS; nth++) {
    const key = keyOf(nth);
    if (masterOfSlot(cluster, slotOf(key)) === name) return key;
  }
  return null;
}

/** A master with one slot of 16,384 is found by about as many. */
const MOST_KEYS = 200_000;
