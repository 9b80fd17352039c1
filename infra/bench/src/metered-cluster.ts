/** A private Redis Cluster without replicas, whose use of CPU can be read. */

import { openClusterStage } from '@qrcast/runtime/test/cluster-stage';
import { cpuMsIn } from './metered-redis.ts';

export interface MeteredCluster {
  readonly url: string;
  /** What each master has used since its start. */
  cpuMs(): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** Like the one Redis of the other benchmarks, its nodes write append-only files. */
export async function openMeteredCluster(masters: number): Promise<MeteredCluster> {
  const { url, ports, admin, close } = await openClusterStage({ masters, replicas: 0, persistent: true });
  const cpuMs = (): Promise<number[]> => Promise.all(ports.map(async (port) => cpuMsIn(await admin(port).info('cpu'))));
  return { url, cpuMs, close };
}
