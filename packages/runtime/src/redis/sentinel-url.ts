/**
 * The address of a Redis behind Sentinel:
 *
 *   redis+sentinel://[user:password@]host[:port],host[:port]…/master[?db=0&sentinelPassword=…]
 *
 * The hosts are Sentinels. User, password and database are those of Redis. `rediss+sentinel://`
 * means TLS to Redis and to the Sentinels.
 */

export interface SentinelAddress {
  readonly sentinels: readonly SentinelHost[];
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

export interface SentinelHost {
  readonly host: string;
  readonly port: number;
}

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

export const isSentinelUrl = (address: string): boolean => /^rediss?\+sentinel:/.test(address);

export const SENTINEL_FORM = 'redis+sentinel://[user:password@]host:port,host:port/master';

const DEFAULT_PORT = 26379;
const PARTS = /^(rediss?)\+sentinel:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?(?:#(.*))?$/;
const HOST = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/i;
const PARAMETERS = ['db', 'sentinelUsername', 'sentinelPassword', 'sentinelTls'];
/** The paths of files, which redis-address.ts puts into an address. */
const FILE_PARAMETER = /^qrcast-[a-z]+-file$/;

export const UNREADABLE = 'expected a user and a password whose special characters are percent-encoded, like %40 for @';

/** @throws {Error} that says what was expected, and repeats nothing of the address */
export function parseSentinelUrl(address: string): SentinelAddress {
  const [, scheme, user, hosts = '', path = '', query = '', fragment = ''] = PARTS.exec(address) ?? [];
  // An @ elsewhere means that a character of the password ended the host, or the user.
  if (scheme === undefined || `${path}${query}${fragment}`.includes('@')) throw new Error(UNREADABLE);
  if (fragment !== '') throw new Error(`expected ${SENTINEL_FORM}, without a #`);
  const parameters = new URLSearchParams(query);
  const isKnown = (name: string): boolean => PARAMETERS.includes(name) || FILE_PARAMETER.test(name);
  if (![...parameters.keys()].every(isKnown)) throw new Error(`expected no other parameters than ${PARAMETERS.join(', ')}`);
  const tls = scheme === 'rediss';
  return {
    sentinels: parseHosts(hosts),
    master: parseMaster(path),
    user: parseUser(user),
    sentinelUser: sentinelUser(parameters),
    db: parseDatabase(parameters.get('db') ?? '0'),
    tls,
    sentinelTls: parseSentinelTls(parameters.get('sentinelTls'), tls),
  };
}

function parseHosts(text: string): SentinelHost[] {
  if (text === '') throw new Error(`expected the hosts of the Sentinels, as in ${SENTINEL_FORM}`);
  return text.split(',').map((entry, i) => {
    const [, address6, name, port = DEFAULT_PORT] = HOST.exec(entry) ?? [];
    const host = address6 ?? name;
    if (host === undefined || Number(port) < 1 || Number(port) > 65_535) throw new Error(`host ${i + 1}: expected host:port of a Sentinel`);
    return { host, port: Number(port) };
  });
}

function parseMaster(path: string): string {
  const master = decoded(path);
  if (master === '') throw new Error(`expected the name of the master after the hosts, as in ${SENTINEL_FORM}`);
  if (master.includes('/'))
    throw new Error('expected the name of the master alone after the hosts; the database is a parameter, like ?db=1');
  return master;
}

function parseUser(text: string | undefined): Credentials {
  if (text === undefined) return {};
  const colon = text.indexOf(':');
  const username = decoded(colon === -1 ? text : text.slice(0, colon));
  const password = colon === -1 ? '' : decoded(text.slice(colon + 1));
  return { ...(username !== '' && { username }), password };
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

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(UNREADABLE);
  }
}
