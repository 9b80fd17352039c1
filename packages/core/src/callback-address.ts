/**
 * Where callbacks may be sent. A tenant names the address, so it must not lead into our own
 * network. Allowed are https to a public name, and what the operator named. The addresses that a
 * name resolves to are checked again with each connection, by the rules for the provider.
 */

import { isAllowedUpstream, parseUpstreamRule } from './upstream.ts';

/** Stands for every public host. */
export const ANY_PUBLIC_HOST = '*';
export const DEFAULT_CALLBACK_HOSTS: readonly string[] = [ANY_PUBLIC_HOST];

/**
 * A name with a dot, whose last label begins with a letter. That excludes IP addresses in any
 * notation, `localhost`, and the bare names of neighbours.
 */
const PUBLIC_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]*$/;
/**
 * The default port of https, or an unprivileged one. The other ports belong to mail, name and other
 * servers, which callbacks must not reach.
 */
const isWebPort = (port: string): boolean => port === '' || Number(port) >= 1_024;
/** Names that are never public, whatever they resolve to. */
const PRIVATE_NAME = /(^|\.)(localhost|local|internal|localdomain|home\.arpa)$/;

/**
 * True if callbacks may be sent to the URL. An entry of `hosts` is `*`, or as in the list of
 * provider hosts. An entry of no known form allows nothing.
 */
export function isAllowedCallbackUrl(text: string, hosts: readonly string[]): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  if (isAllowedUpstream(url.origin, hosts)) return true;
  const isPublic = PUBLIC_NAME.test(url.hostname) && !PRIVATE_NAME.test(url.hostname);
  return hosts.includes(ANY_PUBLIC_HOST) && url.protocol === 'https:' && isWebPort(url.port) && isPublic;
}

/** Host names that the operator named in full. They may resolve to private addresses. */
export function namedHosts(hosts: readonly string[]): string[] {
  return hosts.flatMap((entry) => {
    const rule = parseUpstreamRule(entry);
    if (rule === null || rule.kind === 'wildcard') return [];
    return [new URL(rule.kind === 'origin' ? rule.origin : `https://${rule.host}`).hostname];
  });
}
