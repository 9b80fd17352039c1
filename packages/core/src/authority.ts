/**
 * Host and port of a URL, as log lines, CONNECT and lists of hosts name them. Only for `http` and
 * `https`.
 */

/** The port, even if only the scheme implies it: the URL parser leaves that one out. */
export function portOf({ port, protocol }: Pick<URL, 'port' | 'protocol'>): string {
  if (port !== '') return port;
  return protocol === 'https:' ? '443' : '80';
}

/** `host:port`; an IPv6 address in brackets. */
export function authorityOf(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

/** Without the brackets that an IPv6 address has in a URL. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '');
}
