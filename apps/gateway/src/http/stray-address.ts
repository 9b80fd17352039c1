/**
 * Guesses what the browser of a person meant by an address that we do not have. Links are damaged
 * on their way: `#` becomes `%23` or `?`, a slash or an invisible character is inserted, letters
 * change their case.
 *
 * The fragment is never sent to us, so the page may still work if only the path was damaged. A
 * ticket in the path or query is different: proxies and browsers have written it down, so others
 * may know it, and the link is not repaired.
 */

import { holdsTicket, namesSecret, pathOf, readable } from './request-rules.ts';

export type StrayAddress =
  /** The login page. `sessionId` is the session that the address names, if any. */
  | { readonly kind: 'login'; readonly sessionId: string | null }
  /** A link to the login page that cannot be repaired. */
  | { readonly kind: 'damaged' }
  | { readonly kind: 'unknown' };

/** @param url as the request names it, without the prefix of the public URL */
export function readStrayAddress(url: string): StrayAddress {
  const given = pathOf(url);
  if (holdsTicket(given) || namesSecret(url)) return { kind: 'damaged' };
  const path = readable(given).replace(/\/+/g, '/').replace(/\/$/, '');
  const [, rest = null] = /^\/connect(.*)$/i.exec(path) ?? [];
  if (rest === '') return { kind: 'login', sessionId: null };
  // In the form in which the page itself finds the id in its address. The id decides who may frame
  // the page.
  const sessionId = /^\/+connect\/+(ses_[\w-]+)\/*$/i.exec(given)?.[1];
  if (sessionId !== undefined) return { kind: 'login', sessionId };
  const isOther = rest === null || /^\w/.test(rest) || rest.startsWith('/assets/');
  return { kind: isOther ? 'unknown' : 'damaged' };
}
