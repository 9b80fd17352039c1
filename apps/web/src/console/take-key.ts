/** Reads the key from the fragment of an address, where no server and no referrer sees it. */

export interface Taken {
  readonly key: string | null;
  /** The fragment without the key. */
  readonly hash: string;
}

/** @param hash as in `location.hash`: `#key=…`, also behind a route, `#/audit&key=…` */
export function takeKey(hash: string): Taken {
  const found = /^#(?:(.*)&)?key=([^&]*)$/.exec(hash);
  if (found === null) return { key: null, hash };
  const [, route = '', text = ''] = found;
  const key = decodedOrRaw(text).trim();
  return { key: key === '' ? null : key, hash: route === '' ? '' : `#${route}` };
}

function decodedOrRaw(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a URIError: a key with a bare percent sign
  }
}
