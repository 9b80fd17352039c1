/**
 * Which provider hosts may be asked. A request carries a permanent token in its path, so a wrong
 * host is both a server-side request forgery and a leak. Hosts are compared whole, after the URL
 * parser has normalised them. Nothing is matched by a prefix or a bare suffix.
 */

import { invisibleFault } from './invisible.ts';

/** The provider's own hosts. A `*.` entry stands for exactly one label, as in a certificate. */
export const DEFAULT_UPSTREAM_HOSTS: readonly string[] = [
  '*.api.green-api.com',
  '*.api.greenapi.com',
  'api.green-api.com',
  'api.greenapi.com',
];

/**
 * A parsed entry of the allow-list. `host` and `wildcard` imply https. Only `origin` can name a
 * loopback address.
 */
export type UpstreamRule =
  | { readonly kind: 'wildcard'; readonly suffix: string }
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'origin'; readonly origin: string };

const API_URL = /^https?:\/\/[^\s\\/?#@%]+(?:\/+v3)?\/*$/i;
const PASTED_URL = /^(https?:\/\/[^\s\\/?#@%]+)\/[\w./-]*$/i;
const WILDCARD = /^\*(?:\.[a-z0-9-]+){2,}$/;
const HOST = /^[a-z0-9[][a-z0-9.:[\]-]*$/;
const EXPLICIT_PORT = /:\d+\/?$/;

/**
 * The host of an instance whose owner named none. The provider does it this way, but does not
 * document it. So an `apiUrl` from the owner wins.
 */
export function defaultApiUrl(instanceId: string): string {
  return `https://${instanceId.slice(0, 4)}.api.green-api.com`;
}

/**
 * The origin of an API URL as people paste it: a trailing `/` and the optional `/v3` are dropped.
 * Null for anything else: another path, a query, a fragment, user information, another scheme. The
 * value is never repeated, because it may contain a token.
 */
export function parseApiUrl(value: string): string | null {
  // The URL parser drops invisible characters.
  if (!API_URL.test(value) || invisibleFault(value) !== null) return null;
  return URL.parse(value)?.origin ?? null;
}

/**
 * The origin of an address with a path, as people paste it from the provider's console. Null for
 * anything less plain.
 */
export function parsePastedUrl(value: string): string | null {
  const [, host] = PASTED_URL.exec(value) ?? [];
  return host === undefined ? null : parseApiUrl(host);
}

/**
 * Parses an entry of the allow-list: `*.api.example.com`, `api.example.com`,
 * `api.example.com:8443`, or an origin. Null if it is none of these.
 */
export function parseUpstreamRule(entry: string): UpstreamRule | null {
  if (entry.includes('://')) return parseOriginRule(entry);
  const name = entry.toLowerCase();
  if (WILDCARD.test(name)) return { kind: 'wildcard', suffix: name.slice(1) };
  const target = HOST.test(name) ? URL.parse(`https://${name}`) : null;
  return target === null || isLoopback(target.hostname) ? null : { kind: 'host', host: target.host };
}

/**
 * True if a token may be sent to `url` (an origin from `parseApiUrl`). An entry of no known form
 * allows nothing.
 */
export function isAllowedUpstream(url: string, allowedHosts: readonly string[]): boolean {
  const origin = parseApiUrl(url);
  if (origin === null) return false;
  const target = new URL(origin);
  return allowedHosts.some((entry) => {
    const rule = parseUpstreamRule(entry);
    return rule !== null && isAllowedBy(rule, target);
  });
}

function isAllowedBy(rule: UpstreamRule, target: URL): boolean {
  switch (rule.kind) {
    case 'origin':
      return target.origin === rule.origin;
    case 'host':
      return target.protocol === 'https:' && target.host === rule.host;
    case 'wildcard':
      return target.protocol === 'https:' && target.port === '' && isOneLabelUnder(rule.suffix, target.hostname);
    default:
      return rule satisfies never;
  }
}

function isOneLabelUnder(suffix: string, hostname: string): boolean {
  if (!hostname.endsWith(suffix)) return false;
  const label = hostname.slice(0, -suffix.length);
  return label !== '' && !label.includes('.');
}

/**
 * Plain http is allowed only to this machine, and a loopback service must be named with its port.
 */
function parseOriginRule(entry: string): UpstreamRule | null {
  const origin = parseApiUrl(entry);
  if (origin === null) return null;
  const target = new URL(origin);
  const allowed = isLoopback(target.hostname) ? EXPLICIT_PORT.test(entry) : target.protocol === 'https:';
  return allowed ? { kind: 'origin', origin } : null;
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}
