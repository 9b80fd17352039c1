/**
 * A path of somebody else's host under which a proxy serves this gateway: the path of its public URL. The proxy may take it off, as
 * nginx's `proxy_pass http://gateway/;` does, or leave it on: then it is taken off here, before anything looks at the address.
 *
 * Some take half of it off: `location /qrcast { proxy_pass http://gateway/; }` and Apache's `ProxyPass /qrcast http://gateway/` leave two
 * slashes, `//v1/…`. Of these, one is taken off as well.
 *
 * Nobody can tell the ways apart, so `/qrcast/qrcast/…` reaches what `/qrcast/…` does through a proxy that takes it off. The admin API, which
 * proxies are told to block by its path, is therefore not to be had below a prefix that was not taken off whole.
 */

import type { Server } from 'node:http';
import { percentDecoded } from '@qrcast/core/percent-encoding';

/** An address as a request names it → the same without the prefix; as it was where it does not begin with it. */
export type WithoutPrefix = (url: string) => string;

const ADMIN_PATH = '/v1/admin';

/** @param prefix percent-encoded, like `/qrcast`; empty for none. Other spellings of the same characters are the same prefix. */
export function createPrefixRemover(prefix: string): WithoutPrefix {
  if (prefix === '') return (url) => url;
  const names = prefix.split('/').slice(1).map(percentDecoded);
  return (url) => {
    const [, path = '', query = ''] = /^([^?]*)(.*)$/s.exec(url) ?? [];
    const segments = path.split('/').slice(1);
    const begins = names.every((name, i) => segments[i] !== undefined && percentDecoded(segments[i]) === name);
    const isHalf = segments[0] === '' && segments.length > 1;
    if (!path.startsWith('/') || !(begins || isHalf)) return url;
    const rest = `/${segments.slice(begins ? names.length : 1).join('/')}`;
    return rest.startsWith(ADMIN_PATH) ? url : rest + query;
  };
}

/** For all listeners that follow: call it when theirs are there. What asks before (`shouldUpgradeCallback`) takes it off by itself. */
export function removePrefix(http: Server, withoutPrefix: WithoutPrefix): void {
  for (const event of ['request', 'upgrade'] as const) {
    http.prependListener(event, (request: { url?: string }) => {
      if (request.url !== undefined) request.url = withoutPrefix(request.url);
    });
  }
}
