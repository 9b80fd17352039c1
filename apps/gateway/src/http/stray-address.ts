/**
 * What a person's browser may have meant by an address that is none of ours. Links are damaged on the way: `#` becomes `%23` or `?`, a slash
 * or an invisible character comes in, letters change their case. The fragment never comes here, so with it alone the page can still work. A
 * ticket in the path or in the query has been written down by proxies and browsers: it is known to others, and its link is not mended.
 */

import { holdsTicket, namesSecret, pathOf, readable } from './request-rules.ts';

export type StrayAddress =
  /** The login page, of the session that the address names if it names one. */
  | { readonly kind: 'login'; readonly sessionId: string | null }
  /** A link to it that cannot be mended. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'unknown' };

/** @param url as a request names it, without the prefix of the public URL */
export function readStrayAddress(url: string): StrayAddress {
  const given = pathOf(url);
  if (holdsTicket(given) || namesSecret(url)) return { kind: 'damaged' };
  const path = readable(given).replace(/\/+/g, '/').replace(/\/$/, '');
  const [, rest = null] = /^\/connect(.*)$/i.exec(path) ?? [];
  if (rest === '') return { kind: 'login', sessionId: null };
  // As the page itself finds it in the address: who may frame it is decided by this id.
  const sessionId = /^\/+connect\/+(ses_[\w-]+)\/*$/i.exec(given)?.[1];
  if (sessionId !== undefined) return { kind: 'login', sessionId };
  const isOther = rest === null || /^\w/.test(rest) || rest.startsWith('/assets/');
  return { kind: isOther ? 'unknown' : 'damaged' };
}
