/** Percent-encoding of URLs (RFC 3986, section 2.1), as UTF-8. */

/** Decodes the text. Null if a `%` begins no encoding, or if the encoded bytes are not UTF-8. */
export function percentDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // URIError, its only error
  }
}
