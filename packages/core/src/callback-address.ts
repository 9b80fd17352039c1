/**
 * Where callbacks may be sent. A tenant names the address, so it must not lead into our own
 * network: https to a public name, or what the operator named. Which addresses a name leads to is
 * judged again as each connection is made, with the provider's rules.
 */

import { isAllowedUpstream, parseUpstreamRule } from './upstream.ts';

/** Stands for every public host. */
export const ANY_PUBLIC_HOST = '*';
export const DEFAULT_CALLBACK_HOSTS: readonly string[] = [ANY_PUBLIC_HOST];

/**
 * A name with a dot, and letters at its end: no IP address in whatever notation, no `localhost`, no
 * neighbour's bare name.
 */
const PUBLIC_NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]*$/;
/**
 * A web server's own, or one that need not be root: behind the others sit mail, name and other
 * servers that are not ours to knock at.
 */
const isWebPort = (port: string): boolean => port === '' || Number(port) >= 1_024;
/** Names that are never public, whatever they resolve to. */
const PRIVATE_NAME = /(^|\.)(localhost|local|internal|localdomain|home\.arpa)$/;

/**
 * True if callbacks may be sent to the URL. An entry of `hosts` is `*` or as in the provider's
 * list; what is understood as none allows nothing.
 */
export function isAllowedCallbackUrl(text: string, hosts: readonly string[]): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  if (isAllowedUpstream(url.origin, hosts)) return true;
  const isPublic = PUBLIC_NAME.test(url.hostname) && !PRIVATE_NAME.test(url.hostname);
  return hosts.includes(ANY_PUBLIC_HOST) && url.protocol === 'https:' && isWebPort(url.port) && isPublic;
}

/** Host names that the operator named in full: they may resolve to private addresses. */
export function namedHosts(hosts: readonly string[]): string[] {
  return hosts.flatMap((entry) => {
    const rule = parseUpstreamRule(entry);
    if (rule === null || rule.kind === 'wildcard') return [];
    return [new URL(rule.kind === 'origin' ? rule.origin : `https://${rule.host}`).hostname];
  });
}
