/** Opens the bus that fits the Redis. */

import type { Bus, BusDeps } from './bus.ts';
import { openClusterBus } from './cluster-bus.ts';
import { isCluster } from './redis-client.ts';
import { openServerBus } from './server-bus.ts';

export function openBus({ redis, ...deps }: BusDeps): Bus {
  return isCluster(redis) ? openClusterBus({ redis, ...deps }) : openServerBus({ redis, ...deps });
}
