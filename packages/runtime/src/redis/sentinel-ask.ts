/**
 * Asks the Sentinels where the master is. All are asked at once. Those that were cut off may name an
 * old master, so the answer waits for most of them, and the one of the newest failover counts.
 */

import { setMaxListeners } from 'node:events';
import { Redis, type RedisOptions } from 'ioredis';
import type { SentinelAddress } from './sentinel-url.ts';
import type { Host } from './url-parts.ts';

export interface Master {
  readonly host: string;
  readonly port: number;
  /** Each failover has a higher one. 0 if the Sentinel does not say it. */
  readonly epoch: number;
}

/** Of those that may apply, the last one is told. */
const FAULTS = ['SENTINELS_SILENT', 'SENTINEL_TLS', 'NO_SENTINEL', 'SENTINEL_DENIED', 'SENTINEL_NO_MASTER'] as const;
export type SentinelFault = (typeof FAULTS)[number];

/** Nobody told where the master is. Its texts hold no address. */
export class SentinelError extends Error {
  override readonly name = 'SentinelError';
  readonly code: SentinelFault;

  /** @param cause an answer of a Sentinel, or an error of its connection; it may hold an address */
  constructor(code: SentinelFault, cause?: unknown) {
    super(code, { cause });
    this.code = code;
  }
}

/** A Sentinel that takes longer counts as silent. */
const ANSWER_WITHIN_MS = 2_000;

export interface AskOptions {
  /** For Sentinels that speak TLS: certificates. */
  readonly tls: RedisOptions['tls'];
  readonly signal: AbortSignal;
}

/** @throws {SentinelError} */
export async function askForMaster(address: SentinelAddress, { tls, signal }: AskOptions): Promise<Master> {
  const enough = new AbortController();
  const ended = AbortSignal.any([enough.signal, signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
  setMaxListeners(0, ended); // one for each Sentinel
  const masters: Master[] = [];
  const faults: SentinelError[] = [];
  await Promise.all(
    address.sentinels.map(async (sentinel) => {
      try {
        masters.push(await askOne(address, sentinel, { tls: address.sentinelTls ? (tls ?? {}) : undefined, signal: ended }));
        if (masters.length > address.sentinels.length / 2) enough.abort();
      } catch (error) {
        faults.push(error instanceof SentinelError ? error : new SentinelError(faultOf(error), error));
      }
    }),
  );
  const [newest] = masters.sort((a, b) => b.epoch - a.epoch);
  if (newest !== undefined) return newest;
  throw faults.sort((a, b) => FAULTS.indexOf(b.code) - FAULTS.indexOf(a.code))[0] ?? new SentinelError('SENTINELS_SILENT');
}

async function askOne(address: SentinelAddress, { host, port }: Host, { tls, signal }: AskOptions): Promise<Master> {
  const redis = new Redis({
    host,
    port,
    ...(tls !== undefined && { tls }),
    lazyConnect: true,
    retryStrategy: () => null,
    // A user of a Sentinel may have little more than SENTINEL.
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    disconnectTimeout: 0,
    maxRetriesPerRequest: 0,
  });
  let cause: unknown;
  redis.on('error', (error) => {
    cause ??= error;
  });
  const stop = (): void => redis.disconnect();
  signal.addEventListener('abort', stop);
  try {
    signal.throwIfAborted();
    await redis.connect();
    await authenticate(redis, address);
    return await masterOf(redis, address.master);
  } catch (error) {
    throw cause ?? error;
  } finally {
    signal.removeEventListener('abort', stop);
    redis.disconnect();
  }
}

/** ioredis would write a warning each time that a Sentinel wants no password. */
async function authenticate(redis: Redis, { sentinelUser: { username, password } }: SentinelAddress): Promise<void> {
  if (password === undefined) return;
  await redis.call('AUTH', ...(username === undefined ? [] : [username]), password).catch((error: Error) => {
    if (!/without any password|no password is set/.test(error.message)) throw error;
  });
}

async function masterOf(redis: Redis, name: string): Promise<Master> {
  const [place, fields] = await Promise.all([
    redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name),
    redis.call('SENTINEL', 'MASTER', name).catch(() => []), // not allowed: then all epochs are 0
  ]);
  if (!Array.isArray(place)) throw new SentinelError('SENTINEL_NO_MASTER');
  const texts = Array.isArray(fields) ? fields.map(String) : [];
  const at = texts.indexOf('config-epoch');
  return { host: String(place[0]), port: Number(place[1]), epoch: at === -1 ? 0 : Number(texts[at + 1]) };
}

function faultOf(error: unknown): SentinelFault {
  const { message = '', code = '' } = error as { message?: string; code?: string };
  if (/WRONGPASS|NOAUTH|NOPERM|invalid (?:username-)?password/i.test(message)) return 'SENTINEL_DENIED';
  if (/unknown command/i.test(message)) return 'NO_SENTINEL';
  if (/CERT|SSL|TLS|EPROTO|SIGNATURE/.test(code)) return 'SENTINEL_TLS';
  return 'SENTINELS_SILENT';
}
