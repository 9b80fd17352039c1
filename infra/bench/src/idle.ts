/**
 * `idle`: what do a gateway, a worker and Redis use while nobody waits? It is what an installation
 * costs at night.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import { Redis } from 'ioredis';
import type { BenchConfig } from './config.ts';
import { fieldOf, openMeteredRedis } from './metered-redis.ts';
import { until } from './pace.ts';
import type { BenchResult } from './result.ts';
import { openRoleFor } from './role.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { WorkerMethods } from './roles/worker.ts';
import { createSystem, GATEWAY_FLAGS, WORKER_FLAGS } from './system.ts';

/** The compiler and the garbage collector are busy for a while after a start. */
const SETTLE_MS = 20_000;
const NOBODY = 'http://127.0.0.1:1';

/** Since the start. */
interface Used {
  readonly at: number;
  readonly commands: number;
  readonly fileBytes: number;
  readonly redisMs: number;
  readonly gatewayMs: number;
  readonly workerMs: number;
}

export async function runIdle(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const gateway = await openRoleFor<GatewayMethods>(releasers, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const worker = await openRoleFor<WorkerMethods>(releasers, 'worker', { ...config, nodeFlags: WORKER_FLAGS });
  await gateway.call('start', system);
  await worker.call('start', system, [NOBODY]);
  const asking = new Redis(redis.url);
  releasers.push('asking', async () => asking.disconnect());

  async function used(): Promise<Used> {
    const info = await asking.info('stats', 'persistence');
    const [{ cpuMs: redisMs }, { cpuMs: gatewayMs }, { cpuMs: workerMs }] = [
      await redis.usage(),
      await gateway.usage(),
      await worker.usage(),
    ];
    return {
      at: performance.now(),
      commands: fieldOf(info, 'total_commands_processed'),
      fileBytes: fieldOf(info, 'aof_current_size'),
      ...{ redisMs, gatewayMs, workerMs },
    };
  }

  progress('idle: settling');
  await until(Date.now() + SETTLE_MS);
  progress('idle: measuring');
  const before = await used();
  await until(Date.now() + config.seconds * 1_000);
  return report(before, await used());
}

function report(before: Used, after: Used): BenchResult {
  const perSecond = (what: keyof Used): number => (after[what] - before[what]) / ((after.at - before.at) / 1_000);
  const rows = [
    { what: 'commands that Redis ran, those of scripts included', unit: '/s', ours: perSecond('commands') },
    { what: "growth of Redis's file", unit: 'MB/min', ours: (perSecond('fileBytes') * 60) / 1e6 },
    { what: 'Redis CPU', unit: '% of a core', ours: perSecond('redisMs') / 10 },
    { what: 'gateway CPU', unit: '% of a core', ours: perSecond('gatewayMs') / 10 },
    { what: 'worker CPU', unit: '% of a core', ours: perSecond('workerMs') / 10 },
  ];
  const most = [30, 0.3, 1, 1, 1];
  return {
    title: 'idle: 1 gateway and 1 worker, while nobody waits',
    rows: rows.map((row) => ({ ...row, others: [] })),
    targets: rows.map(({ what, unit, ours }, i) => ({ what, measured: ours, unit, most: most[i] ?? 0 })),
    notes: [],
  };
}
