/**
 * The address under which browsers, backends and the provider reach the gateways: `https://host`,
 * or `https://host/a/path` if a proxy serves them below a path. It becomes part of links, of
 * webhook URLs and of `Location`. So it must mean the same to every client and proxy.
 */

import { invisibleFault } from './invisible.ts';
import { percentDecoded } from './percent-encoding.ts';

/**
 * First path segments that a gateway itself answers. A public path must not begin with one of them:
 * `/v1/…` and `/v1/v1/…` could not be told apart.
 */
const OWN_NAMES: ReadonlySet<string> = new Set([
  'v1',
  'socket.io',
  'connect',
  'console',
  'element.js',
  'client.js',
  'docs',
  'docs.css',
  'openapi.json',
  'asyncapi.json',
  'healthz',
  'readyz',
]);

/** Proxies read these in more than one way, encoded or not. */
const AMBIGUOUS_IN_SEGMENT = /[/\\?#%]/;

/** A name in ASCII, or an IPv6 address in brackets. URLs allow more, like `*` and `,`. */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])$/i;

const FORM = 'expected http://host or https://host, which a port and a path like /qrcast may follow';

/** `fault` never repeats the text, which may contain a password. */
export type PublicUrl = { readonly kind: 'url'; readonly url: string } | { readonly kind: 'fault'; readonly fault: string };

/**
 * Parses the text into the form that clients use: the host in lower case and ASCII, the path
 * percent-encoded, without a slash at the end.
 */
export function parsePublicUrl(text: string): PublicUrl {
  const fault = faultOf(text);
  return fault === null ? { kind: 'url', url: new URL(text).href.replace(/\/$/, '') } : { kind: 'fault', fault };
}

/** The path of a public URL, percent-encoded: `/qrcast`, or empty at the root of its host. */
export function pathPrefixOf(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/$/, '');
}

function faultOf(text: string): string | null {
  const { scheme, authority = '', rest = '' } = /^(?<scheme>https?):\/\/(?<authority>[^/\\?#]*)(?<rest>.*)$/is.exec(text)?.groups ?? {};
  const unseen = invisibleFault(text);
  if (unseen !== null) return unseen;
  if (text.includes(' ')) return 'expected no space';
  if (scheme === undefined || authority === '') return FORM;
  if (authority.includes('@')) return 'expected no user and no password';
  if (rest.includes('?')) return 'expected no query (?…)';
  if (rest.includes('#')) return 'expected no fragment (#…)';
  if (rest.includes('\\')) return 'expected / and not \\';
  const url = URL.parse(text);
  if (url === null || url.port === '0') return FORM;
  if (!HOST.test(url.hostname)) return 'expected one host name, without * and commas';
  return faultOfPath(rest.replace(/^\//, '').replace(/\/$/, ''), rest);
}

/** @param path as it was given, without its first and last slash; @param rest with them */
function faultOfPath(path: string, rest: string): string | null {
  if (path === '') return rest.length > 1 ? 'expected no // in the path' : null;
  const segments = path.split('/').map(percentDecoded);
  if (segments.includes('')) return 'expected no // in the path';
  if (segments.includes(null)) return 'expected a path whose % signs encode UTF-8';
  const names = segments.filter((segment) => segment !== null);
  if (names.some((name) => name === '.' || name === '..')) return 'expected no . or .. in the path';
  if (names.some((name) => AMBIGUOUS_IN_SEGMENT.test(name))) return 'expected no encoded / \\ ? # or % in the path';
  if (names.some((name) => invisibleFault(name) !== null)) return 'expected no invisible character, encoded or not';
  const own = names[0]?.toLowerCase() ?? '';
  return OWN_NAMES.has(own) ? `expected a path that does not begin with a name the gateway answers at itself, like /${own}` : null;
}
