/**
 * The HTTP proxy for outgoing requests, as the environment names it. Only a proxy that can carry a
 * CONNECT is accepted. Anything else would be ignored, or would send requests where the operator
 * did not mean them to go.
 */

import { authorityOf } from './authority.ts';
import { invisibleFault } from './invisible.ts';
import { percentDecoded } from './percent-encoding.ts';

export interface HttpProxy {
  /**
   * Like `http://proxy.example.com:3128`, without user and password. With `https://`, TLS protects
   * the way to the proxy.
   */
  readonly origin: string;
  /** Host and port, for logs. */
  readonly address: string;
  /**
   * The value of `Proxy-Authorization`, which is a secret. Null without user and password. It is a
   * function, so that no log and no inspection shows it.
   */
  authorization(): string | null;
}

/** Which requests go through a proxy. */
export interface ProxyRoute {
  readonly proxy: HttpProxy;
  /** True for an origin (`https://host:port`) that is reached without the proxy. */
  isDirect(origin: string): boolean;
}

const EXPECTED = 'expected http://[user:password@]host[:port] or https://…';
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
const PROXY_URL = /^https?:\/\/[^/?#\\]+\/?$/i;

/**
 * @throws {Error} naming the broken rule. It holds nothing of the text, which may contain a
 *   password.
 */
export function parseHttpProxy(text: string): HttpProxy {
  if (!isUnbroken(text)) throw new Error(`${EXPECTED}, without spaces and invisible characters`);
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) throw new Error(`${EXPECTED}: the scheme is missing`);
  if (scheme.startsWith('socks')) throw new Error(`${EXPECTED}: a SOCKS proxy is not supported`);
  const url = PROXY_URL.test(text) ? URL.parse(text) : null;
  if (url === null) throw new Error(`${EXPECTED}, without a path; write special characters of user and password as %XX`);
  const authorization = authorizationOf(url);
  return {
    origin: url.origin,
    address: authorityOf(url),
    authorization: () => authorization,
  };
}

/** RFC 7617: the text is UTF-8, and a user cannot contain a colon. */
function authorizationOf(url: URL): string | null {
  if (url.username === '' && url.password === '') return null;
  const user = percentDecoded(url.username);
  const password = percentDecoded(url.password);
  if (user === null || password === null) throw new Error(`${EXPECTED}: user or password holds a % that begins no %XX; write it as %25`);
  if (!isUnbroken(user) || /\p{Cc}/u.test(password)) throw new Error(`${EXPECTED}: user or password holds an invisible character`);
  if (user.includes(':')) throw new Error(`${EXPECTED}: the user cannot hold a colon`);
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return `Basic ${btoa(String.fromCodePoint(...bytes))}`;
}

const isUnbroken = (text: string): boolean => invisibleFault(text) === null && !text.includes(' ');
