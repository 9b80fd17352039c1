/**
 * How many viewers watch a session, over all gateways. Each gateway stores its own count with an
 * end, so the count of a gateway that died runs out.
 */

import type { Clock } from '@qrcast/runtime/redis/clock';
import { viewersKey } from '@qrcast/runtime/redis/keys';
import { loadLuaScript } from '@qrcast/runtime/redis/lua-script';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';

export interface ViewerCounts {
  /** Stores this gateway's count. Resolves to the sum over all gateways. */
  report(sessionId: string, count: number): Promise<number>;
  read(sessionId: string): Promise<number>;
}

export interface ViewerCountsDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly gatewayId: string;
  /** A count that is not renewed ends after this, ms. */
  readonly lastsMs: number;
}

export function createViewerCounts({ redis, namespace, clock, gatewayId, lastsMs }: ViewerCountsDeps): ViewerCounts {
  const script = loadLuaScript(redis, new URL('./viewers-count-1.lua', import.meta.url));
  const run = async (gateway: string, sessionId: string, count: number): Promise<number> => {
    const now = clock.now();
    return Number(await script([viewersKey(namespace, sessionId)], [gateway, count, now + lastsMs, now]));
  };
  return {
    report: (sessionId, count) => run(gatewayId, sessionId, count),
    read: (sessionId) => run('', sessionId, 0),
  };
}
