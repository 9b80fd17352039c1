/** Is this cluster fit for qrcast? Asked once, over a connection to one of its nodes. */

import type { Redis } from 'ioredis';
import { createNodeRedis } from './redis.ts';
import { within } from './within.ts';

/** For each master. */
const REACHED_WITHIN_MS = 5_000;

/** What is wrong, in words that hold no address. */
export async function clusterFaults(node: Redis, address: string): Promise<string[]> {
  const state = /^cluster_state:(\w+)/m.exec(String(await node.call('CLUSTER', 'INFO')))?.[1];
  if (state !== 'ok') {
    return [
      `expected a cluster that serves all slots; its state is "${state}". See that all masters are up and each slot has one: redis-cli --cluster check <a node:port>`,
    ];
  }
  const masters = await mastersNamedBy(node);
  if (masters === null) return [NAMELESS];
  const reached = await Promise.all(masters.map((master) => isReached(address, master)));
  const missing = reached.filter((isUp) => !isUp).length;
  if (missing === 0) return [];
  return [
    `${missing} of ${masters.length} masters of the cluster do not answer the user in REDIS_URL at the addresses that it names. Make them reachable from this machine, or set cluster-announce-ip and cluster-announce-port at the nodes`,
  ];
}

const NAMELESS =
  'expected a cluster that names the addresses of its nodes; a master has none. Set cluster-announce-ip at the nodes, and cluster-preferred-endpoint-type to ip or hostname';

/** Null: one of them has no address. */
async function mastersNamedBy(node: Redis): Promise<string[] | null> {
  const ranges = (await node.call('CLUSTER', 'SLOTS')) as [first: number, last: number, master: [host: string | null, port: number]][];
  const names = ranges.map(([, , [host, port]]) => (host === null || host === '' || host === '?' ? null : `${host}:${port}`));
  return names.includes(null) ? null : [...new Set(names as string[])];
}

async function isReached(address: string, master: string): Promise<boolean> {
  const redis = createNodeRedis(address, master, 'commands', { retryStrategy: () => null });
  redis.on('error', () => undefined); // the answer below is missing
  try {
    await within(REACHED_WITHIN_MS, redis.ping());
    return true;
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}
