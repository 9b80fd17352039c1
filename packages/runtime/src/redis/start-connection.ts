/** The first connection to Redis. If it cannot be made, the error says why and what to do. */

import { setTimeout as delay } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { isClusterUrl, parseClusterUrl } from './cluster-url.ts';
import { tlsOptions } from './redis-address.ts';
import { createRedisClient } from './redis-client.ts';
import { SentinelError, type SentinelFault } from './sentinel-ask.ts';
import { isSentinelUrl } from './sentinel-url.ts';
import { tlsRefusal } from './tls-refusal.ts';

/** Its message and `faults` say what was expected, what came and what to do. They hold no secret. */
export class UnfitRedisError extends Error {
  override readonly name = 'UnfitRedisError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`Redis cannot be used:\n${faults.map((fault) => `  ${fault}`).join('\n')}`); // no cause: an error reply may repeat a password
    this.faults = faults;
  }
}

const CONNECT_WITHIN_MS = 5_000;
/** A Redis that starts together with us is often a moment late. */
const TRIES = 3;
const TRY_AGAIN_MS = 300;
const REFUSED_WITHIN_MS = 1_000;

export interface StartConnection {
  /** It does not reconnect. */
  readonly redis: Redis;
  /** What is wrong with it although it works. */
  readonly faults: readonly string[];
}

type Create = (options: Omit<RedisOptions, 'replyMapping'>) => Redis;

/**
 * Of a cluster: to the first node that can be reached.
 * @throws {UnfitRedisError}
 */
export async function openStartConnection(redisUrl: string): Promise<StartConnection> {
  const creators = isClusterUrl(redisUrl) ? nodesOf(redisUrl) : [(options: RedisOptions) => createRedisClient(redisUrl, options)];
  for (let tries = 1; ; tries++) {
    const failed: Failed[] = [];
    for (const create of creators) {
      const opened = await connectOnce(create, isSentinelUrl(redisUrl));
      if ('redis' in opened) return opened;
      failed.push(opened);
    }
    if (tries === TRIES || !failed.some(({ mayPass }) => mayPass))
      throw new UnfitRedisError([...new Set(failed.map(({ fault }) => fault))]);
    await delay(TRY_AGAIN_MS);
  }
}

function nodesOf(redisUrl: string): Create[] {
  const { nodes, user, tls } = parseClusterUrl(redisUrl);
  return nodes.map(
    ({ host, port }) =>
      (options) =>
        new Redis({ ...options, ...user, host, port, ...(tls ? { tls: tlsOptions(redisUrl).tls ?? {} } : {}) }),
  );
}

interface Failed {
  readonly fault: string;
  /** Is another try worth while? */
  readonly mayPass: boolean;
}

async function connectOnce(create: Create, byName: boolean): Promise<StartConnection | Failed> {
  const redis = create({
    lazyConnect: true,
    retryStrategy: () => null,
    enableReadyCheck: false, // it asks for INFO, which may be what is missing
    connectionName: 'qrcast-start-check',
    connectTimeout: CONNECT_WITHIN_MS,
    disconnectTimeout: 0, // a frozen server does not close in order
    commandTimeout: CONNECT_WITHIN_MS,
    maxRetriesPerRequest: 0,
  });
  const faults: string[] = [];
  let cause: unknown = null;
  redis.on('error', (error: Error & { command?: { name?: string } }) => {
    // ioredis would go on with database 0.
    if (error.command?.name === 'select') faults.push(NO_DATABASE);
    else cause ??= error;
  });
  // A frozen server accepts connections, and one without TLS waits for the end of a line.
  const late = setTimeout(() => {
    cause ??= LATE;
    redis.disconnect();
  }, CONNECT_WITHIN_MS);
  try {
    await redis.connect();
    return { redis, faults };
  } catch (error) {
    redis.disconnect();
    const told = cause ?? error;
    return connectionFault(byName ? told : ((await lostRefusal(told, redis.options)) ?? told), byName);
  } finally {
    clearTimeout(late);
  }
}

/** What a server over TLS wanted to say before it closed. */
async function lostRefusal(error: unknown, { host, port, tls }: RedisOptions): Promise<Error | null> {
  if (!(error instanceof Error && CLOSED.test(error.message)) || tls === undefined || host === undefined) return null;
  return tlsRefusal({ ...tls, host, port }, REFUSED_WITHIN_MS);
}

const NO_ANSWER = `no answer within ${CONNECT_WITHIN_MS / 1000} s`;
const LATE = new Error(NO_ANSWER);
const NO_DATABASE = 'expected the database that REDIS_URL ends in; the server does not have it, or the user may not run SELECT';

const SCHEME = 'Write rediss:// in REDIS_URL for a port with TLS, redis:// for one without';

const CLOSED = /Connection is closed|ECONNRESET|EPIPE/;

/** The first fitting rule says what is wrong. */
const RULES: readonly { readonly sign: RegExp; readonly fault: string; readonly mayPass?: true }[] = [
  {
    sign: /WRONGPASS|invalid (?:username-)?password/i,
    fault: 'the server refuses the user and password in REDIS_URL. Correct them; special characters are percent-encoded',
  },
  { sign: /NOAUTH/, fault: 'the server wants a password, and REDIS_URL has none' },
  { sign: /NOPERM/, fault: 'the user in REDIS_URL may not connect. Give it the rule in OPERATING.md under "Redis"' },
  { sign: /max number of clients/, fault: 'the server has no free connection. Raise its maxclients', mayPass: true },
  {
    sign: /ERR_TLS_CERT_ALTNAME_INVALID/,
    fault: 'the certificate of the server is for another name than the one in REDIS_URL. Name the server as its certificate does',
  },
  {
    sign: /SELF_SIGNED_CERT|UNABLE_TO_(?:VERIFY|GET_ISSUER)/,
    fault:
      'the certificate of the server is signed by an authority that is not trusted. Name the certificate of that authority in QRCAST_REDIS_CA',
  },
  { sign: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, fault: 'the certificate of the server is not valid now. Renew it, or set the clock' },
  {
    sign: /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|UNKNOWN_CA/,
    fault: 'the server refuses TLS without a certificate that it trusts. Name one in QRCAST_REDIS_CERT, and its key in QRCAST_REDIS_KEY',
  },
  { sign: /EPROTO|WRONG_VERSION_NUMBER|PACKET_LENGTH/, fault: 'the server does not speak TLS at this port. Use its TLS port, or redis://' },
  {
    sign: /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN/,
    fault: 'nothing answers at the address in REDIS_URL. Start Redis there, or correct REDIS_URL',
    mayPass: true,
  },
  {
    sign: CLOSED,
    fault: `the server closes the connection without an answer. ${SCHEME}. If it asks for a certificate, name one in QRCAST_REDIS_CERT`,
    mayPass: true,
  },
  { sign: /ENOTFOUND/, fault: 'there is no host of the name in REDIS_URL' },
];

/** What failed before Redis was asked. */
const SENTINEL_FAULTS: Readonly<Record<SentinelFault, string>> = {
  SENTINELS_SILENT:
    'no Sentinel answers at the addresses in REDIS_URL. Start them there, or correct REDIS_URL. If they speak no TLS, use redis+sentinel:// or add sentinelTls=false',
  SENTINEL_TLS: 'the Sentinels in REDIS_URL cannot be reached over TLS. Of one of them:',
  NO_SENTINEL: 'the servers in REDIS_URL are no Sentinels. Name the port of the Sentinels (26379), or use redis://',
  SENTINEL_DENIED: 'the Sentinels refuse the user and password in REDIS_URL. Give theirs as sentinelUsername and sentinelPassword',
  SENTINEL_NO_MASTER:
    'the Sentinels do not know a master of the name in REDIS_URL. Write the one that stands in their configuration after "sentinel monitor"',
};

/** The Sentinels answered, but the server that they name did not. */
const MASTER_RULE = {
  sign: new RegExp(`ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|${NO_ANSWER}`),
  fault: 'the master that the Sentinels name does not answer. Make it reachable from this machine at the address that they know',
  mayPass: true,
} as const;

/**
 * What an error of a connection means.
 * @param byName whether Sentinels named the server
 */
export function connectionFault(cause: unknown, byName = false): Failed {
  if (cause instanceof SentinelError) {
    const { code } = cause;
    const more = code === 'SENTINEL_TLS' ? ` ${connectionFault(cause.cause).fault}` : '';
    return { fault: SENTINEL_FAULTS[code] + more, mayPass: code === 'SENTINELS_SILENT' };
  }
  const { name = '', message = '', code = '' } = cause instanceof Error ? (cause as Error & { code?: string }) : {};
  const rule = (byName ? [MASTER_RULE, ...RULES] : RULES).find(({ sign }) => sign.test(`${code} ${message}`));
  // Of an error reply only the first word, because the rest may repeat what was sent, like a password.
  const came = name === 'ReplyError' ? message.split(' ', 1)[0] : code || message;
  const fault = rule?.fault ?? `expected a Redis that answers at the address in REDIS_URL; it gave ${came}. ${SCHEME}`;
  return { fault, mayPass: rule?.mayPass === true };
}
