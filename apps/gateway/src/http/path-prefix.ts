/**
 * Removes the path of the public URL from requests. A proxy may serve this gateway under a path of
 * a host that is not ours. The proxy may remove that path itself, as nginx's `proxy_pass
 * http://gateway/;` does. If it leaves the path on, it is removed here, before anything looks at
 * the address.
 *
 * Some proxies remove it only in part: `location /qrcast { proxy_pass http://gateway/; }` and
 * Apache's `ProxyPass /qrcast http://gateway/` leave two slashes, `//v1/…`. One of them is removed
 * as well.
 *
 * Nobody can tell these cases apart, so `/qrcast/qrcast/…` reaches what `/qrcast/…` does through a
 * proxy that removes the path. Operators tell proxies to block the admin API by its path. Therefore
 * the admin API is not served below a prefix that the proxy left on, even in part.
 */

import type { Server } from 'node:http';
import { percentDecoded } from '@qrcast/core/percent-encoding';

/**
 * Takes the address of a request and returns it without the prefix, or unchanged if it does not
 * begin with the prefix.
 */
export type WithoutPrefix = (url: string) => string;

const ADMIN_PATH = '/v1/admin';

/**
 * @param prefix percent-encoded, like `/qrcast`; empty for none. Other percent-encodings of the
 * same characters match as well.
 */
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

/**
 * Removes the prefix for all listeners that are there already: call it after they were added.
 * `shouldUpgradeCallback` runs before any listener, so it has to remove the prefix itself.
 */
export function removePrefix(http: Server, withoutPrefix: WithoutPrefix): void {
  for (const event of ['request', 'upgrade'] as const) {
    http.prependListener(event, (request: { url?: string }) => {
      if (request.url !== undefined) request.url = withoutPrefix(request.url);
    });
  }
}
