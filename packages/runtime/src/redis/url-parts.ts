/** The parts that the addresses of Sentinels and of a cluster share. No error repeats anything of them. */

export interface Host {
  readonly host: string;
  readonly port: number;
}

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

export interface UrlParts {
  readonly tls: boolean;
  readonly user: Credentials;
  /** As `parseHosts` reads them. */
  readonly hosts: string;
  /** Without the slash, and still encoded. */
  readonly path: string;
  readonly parameters: URLSearchParams;
}

export const UNREADABLE = 'expected a user and a password whose special characters are percent-encoded, like %40 for @';

const PARTS = /^(rediss?)(?:\+[a-z]+)?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?(?:#(.*))?$/;
const HOST = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/i;
/** The paths of files, which redis-address.ts puts into an address. */
const FILE_PARAMETER = /^qrcast-[a-z]+-file$/;

/**
 * @param form of the whole address, for the error
 * @param known the names of parameters
 * @throws {Error} that says what was expected
 */
export function parseUrlParts(address: string, form: string, known: readonly string[]): UrlParts {
  const [, scheme, user, hosts = '', path = '', query = '', fragment = ''] = PARTS.exec(address) ?? [];
  // An @ elsewhere means that a character of the password ended the host, or the user.
  if (scheme === undefined || `${path}${query}${fragment}`.includes('@')) throw new Error(UNREADABLE);
  if (fragment !== '') throw new Error(`expected ${form}, without a #`);
  const parameters = new URLSearchParams(query);
  const isKnown = (name: string): boolean => known.includes(name) || FILE_PARAMETER.test(name);
  if (![...parameters.keys()].every(isKnown)) {
    throw new Error(known.length === 0 ? 'expected no parameters' : `expected no other parameters than ${known.join(', ')}`);
  }
  return { tls: scheme === 'rediss', user: parseUser(user), hosts, path, parameters };
}

/** @param of whose host it is, for the error */
export function parseHosts(text: string, defaultPort: number, of: string): Host[] {
  return text.split(',').map((entry, i) => {
    const [, address6, name, port = defaultPort] = HOST.exec(entry) ?? [];
    const host = address6 ?? name;
    if (host === undefined || Number(port) < 1 || Number(port) > 65_535) throw new Error(`host ${i + 1}: expected host:port of ${of}`);
    return { host, port: Number(port) };
  });
}

function parseUser(text: string | undefined): Credentials {
  if (text === undefined) return {};
  const colon = text.indexOf(':');
  const username = decoded(colon === -1 ? text : text.slice(0, colon));
  const password = colon === -1 ? '' : decoded(text.slice(colon + 1));
  return { ...(username !== '' && { username }), password };
}

/** @throws {Error} if it is not percent-encoded */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(UNREADABLE);
  }
}
