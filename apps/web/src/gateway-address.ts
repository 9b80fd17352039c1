/** Where the element finds its gateway. */

/** The folder that the script came from. It is below whatever path the gateway is served at. */
const FOLDER = import.meta.url.replace(/[?#].*$/s, '').replace(/[^/]*$/, '');

/**
 * @param url the property of the element. A relative one is read like an address in markup
 * @param base the page's base address
 */
export function gatewayAddress(url: string | null, base: string): string {
  if (!url) return FOLDER;
  if (/^https?:/i.test(url)) return url;
  try {
    return new URL(url, base).href;
  } catch {
    return url; // TypeError; the watch will say what it expected
  }
}
