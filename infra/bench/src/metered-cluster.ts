/** A private Redis Cluster without replicas, whose use of CPU can be read. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@qrcast/runtime/redis/free-port';
import { findRedisProgram, openRedisServer } from '@qrcast/runtime/redis/redis-server';
import type { Releasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import { cpuMsIn } from './metered-redis.ts';

export interface MeteredCluster {
  readonly url: string;
  /** What each master has used since its start. */
  cpuMs(): Promise<readonly number[]>;
}

const SLOTS = 16_384;
const PASSWORD = 'of-bench';
const ASK_AGAIN_MS = 20;

interface ClusterNode {
  readonly port: number;
  readonly busPort: number;
  readonly redis: Redis;
}

/**
 * Like the one Redis of the other benchmarks, its nodes write append-only files.
 * @throws {Error} if there is no Redis program on `path`
 */
export async function openMeteredCluster(masters: number, path: string, releasers: Releasers): Promise<MeteredCluster> {
  const nodes: ClusterNode[] = [];
  for (let i = 0; i < masters; i++) nodes.push(await openNode(path, releasers));
  await form(nodes);
  return {
    url: `redis+cluster://:${PASSWORD}@${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    cpuMs: () => Promise.all(nodes.map(async ({ redis }) => cpuMsIn(await redis.info('cpu')))),
  };
}

async function openNode(path: string, releasers: Releasers): Promise<ClusterNode> {
  const program = findRedisProgram(path);
  if (program === null) throw new Error('a benchmark needs a real Redis 7 or newer; install redis-server or valkey-server');
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-bench-'));
  releasers.push('folder', () => rm(folder, { recursive: true, force: true }));
  const [port, busPort] = [await freePort(), await freePort()];
  const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-announce-ip', '127.0.0.1'];
  const server = await openRedisServer({ program, folder, persistent: true, endpoint: { port, password: PASSWORD }, args });
  releasers.push('node', () => server.close());
  const redis = new Redis(server.url);
  releasers.push('connection', () => redis.disconnect());
  return { port, busPort, redis };
}

/** Divides the slots, and resolves when every node says that all are served. */
async function form(nodes: readonly ClusterNode[]): Promise<void> {
  const size = Math.ceil(SLOTS / nodes.length);
  for (const [i, { redis, port, busPort }] of nodes.entries()) {
    await redis.call('CLUSTER', 'ADDSLOTSRANGE', i * size, Math.min(SLOTS, (i + 1) * size) - 1);
    await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    if (i > 0) await nodes[0]?.redis.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
  }
  const isFormed = (info: string): boolean => info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}\r`);
  for (const { redis } of nodes) while (!isFormed(String(await redis.call('CLUSTER', 'INFO')))) await delay(ASK_AGAIN_MS);
}
