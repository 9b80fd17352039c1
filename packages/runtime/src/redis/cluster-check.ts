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
    return [`expected a cluster that serves all slots; its state is "${state}". Are all masters up, and does each slot have one?`];
  }
  const masters = await mastersNamedBy(node);
  const reached = await Promise.all(masters.map((master) => isReached(address, master)));
  const missing = reached.filter((isUp) => !isUp).length;
  if (missing === 0) return [];
  return [
    `${missing} of ${masters.length} masters of the cluster do not answer at the addresses that it names. Can this machine reach them? Else set cluster-announce-ip or cluster-announce-hostname at the nodes`,
  ];
}

async function mastersNamedBy(node: Redis): Promise<string[]> {
  const ranges = (await node.call('CLUSTER', 'SLOTS')) as [
    first: number,
    last: number,
    master: [host: Buffer | string | null, port: number],
  ][];
  const own = node.options.host ?? '';
  // Without a name the node is meant that was asked.
  return [...new Set(ranges.map(([, , [host, port]]) => `${String(host ?? '') || own}:${port}`))];
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
