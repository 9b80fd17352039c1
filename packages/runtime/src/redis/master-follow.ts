/**
 * Moves connections to the master that the Sentinels name. A master that the Sentinels have lost may
 * still answer us. It takes writes and knows of no failover, so no error and no silence tells us.
 */

import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { tlsOptions } from './redis-address.ts';
import { askForMaster, type Master, SentinelError } from './sentinel-ask.ts';
import { masterOfConnection } from './sentinel-connector.ts';
import { isSentinelUrl, parseSentinelUrl } from './sentinel-url.ts';

export interface MasterFollower {
  /** Calls `move` each time that the connection leads elsewhere. Returns the function that ends it. */
  follow(redis: Redis, move: () => void): () => void;
}

export const FOLLOW_EVERY_MS = 5_000;

export interface MasterFollowerDeps {
  readonly redisUrl: string;
  readonly log: Logger;
  readonly everyMs: number;
}

/** It asks while it follows a connection, and asks nobody if the address names no Sentinels. */
export function createMasterFollower({ redisUrl, log, everyMs }: MasterFollowerDeps): MasterFollower {
  if (!isSentinelUrl(redisUrl)) return { follow: () => () => undefined };
  const address = parseSentinelUrl(redisUrl);
  const { tls } = tlsOptions(redisUrl);
  const followed = new Map<Redis, () => void>();
  let timer: NodeJS.Timeout | undefined;
  let asking: AbortController | null = null;
  let fault: string | null = null;

  async function ask(): Promise<void> {
    if (asking !== null) return;
    asking = new AbortController();
    try {
      const master = await askForMaster(address, { tls, signal: asking.signal });
      if (fault !== null) log.info('the Sentinels name a master again');
      fault = null;
      for (const [redis, move] of followed) if (leadsElsewhere(redis, master)) move();
    } catch (error) {
      if (!(error instanceof SentinelError)) throw error;
      if (followed.size > 0 && error.code !== fault) log.warn({ reason: error.code }, NOBODY_TELLS);
      fault = error.code;
    } finally {
      asking = null;
    }
  }

  return {
    follow(redis, move) {
      followed.set(redis, move);
      timer ??= setInterval(() => void ask(), everyMs);
      return () => {
        followed.delete(redis);
        if (followed.size > 0) return;
        clearInterval(timer);
        timer = undefined;
        asking?.abort();
      };
    },
  };
}

const NOBODY_TELLS = 'the Sentinels do not tell which Redis is the master; a failover would not be followed';

/** An older epoch comes from a Sentinel that was cut off. */
function leadsElsewhere(redis: Redis, { host, port, epoch }: Master): boolean {
  const now = masterOfConnection(redis);
  return now !== undefined && (now.host !== host || now.port !== port) && epoch >= now.epoch;
}
