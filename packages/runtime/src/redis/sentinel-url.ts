/**
 * The address of a Redis behind Sentinel:
 *
 *   redis+sentinel://[user:password@]host[:port],host[:port]…/master[?db=0&sentinelPassword=…]
 *
 * The hosts are Sentinels. User, password and database are those of Redis. `rediss+sentinel://`
 * means TLS to Redis and to the Sentinels.
 */

import { type Credentials, decoded, type Host, parseHosts, parseUrlParts } from './url-parts.ts';

export interface SentinelAddress {
  readonly sentinels: readonly Host[];
  /** The name under which the Sentinels know the master. */
  readonly master: string;
  /** For Redis. */
  readonly user: Credentials;
  /** For the Sentinels. */
  readonly sentinelUser: Credentials;
  readonly db: number;
  readonly tls: boolean;
  readonly sentinelTls: boolean;
}

export const isSentinelUrl = (address: string): boolean => /^rediss?\+sentinel:/.test(address);

export const SENTINEL_FORM = 'redis+sentinel://[user:password@]host:port,host:port/master';

const DEFAULT_PORT = 26379;
const PARAMETERS = ['db', 'sentinelUsername', 'sentinelPassword', 'sentinelTls'];

/** @throws {Error} that says what was expected, and repeats nothing of the address */
export function parseSentinelUrl(address: string): SentinelAddress {
  const { tls, user, hosts, path, parameters } = parseUrlParts(address, SENTINEL_FORM, PARAMETERS);
  if (hosts === '') throw new Error(`expected the hosts of the Sentinels, as in ${SENTINEL_FORM}`);
  return {
    sentinels: parseHosts(hosts, DEFAULT_PORT, 'a Sentinel'),
    master: parseMaster(path),
    user,
    sentinelUser: sentinelUser(parameters),
    db: parseDatabase(parameters.get('db') ?? '0'),
    tls,
    sentinelTls: parseSentinelTls(parameters.get('sentinelTls'), tls),
  };
}

function parseMaster(path: string): string {
  const master = decoded(path);
  if (master === '') throw new Error(`expected the name of the master after the hosts, as in ${SENTINEL_FORM}`);
  if (master.includes('/'))
    throw new Error('expected the name of the master alone after the hosts; the database is a parameter, like ?db=1');
  return master;
}

function sentinelUser(parameters: URLSearchParams): Credentials {
  const username = parameters.get('sentinelUsername') ?? '';
  const password = parameters.get('sentinelPassword');
  if (username !== '' && password === null) throw new Error('expected sentinelPassword beside sentinelUsername');
  return { ...(username !== '' && { username }), ...(password !== null && { password }) };
}

function parseDatabase(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new Error('expected a whole number as db');
  return Number(text);
}

function parseSentinelTls(text: string | null, tls: boolean): boolean {
  if (text === null) return tls;
  if (text !== 'true' && text !== 'false') throw new Error('expected true or false as sentinelTls');
  if (text === 'true' && !tls) throw new Error('expected rediss+sentinel:// with sentinelTls=true');
  return text === 'true';
}
