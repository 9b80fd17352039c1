/**
 * Text from bytes. UTF-8 is the only encoding that qrcast reads, and one byte-order mark before it
 * is no part of the text.
 */

/**
 * The text without a leading byte-order mark; null if the bytes are not UTF-8: overlong forms,
 * surrogates and cut characters included.
 */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null; // its only error: not UTF-8
  }
}

/**
 * For bytes that come in chunks. To be called with each, and without any at the end; false from the
 * first that cannot be UTF-8 on. A character may be cut in two between chunks.
 */
export function createUtf8Check(): (chunk?: Uint8Array) => boolean {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let isText = true;
  return (chunk) => {
    try {
      if (isText) decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      isText = false; // its only error: not UTF-8
    }
    return isText;
  };
}

/** The text without one leading byte-order mark, where something else has decoded it. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Of any name, so that nothing within the quotes of one counts as another. */
const PARAMETERS = /;\s*([^\s=;]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s;]*))/g;

/**
 * False if a `Content-Type` declares another charset than UTF-8. All names of the WHATWG standard
 * for UTF-8 are known (`utf8`, …).
 */
export function isUtf8Declared(contentType: string | undefined): boolean {
  return [...(contentType ?? '').matchAll(PARAMETERS)].every(([, name, quoted, apostrophed, bare]) => {
    if (name?.toLowerCase() !== 'charset') return true;
    const label = (quoted?.replace(/\\(.)/g, '$1') ?? apostrophed ?? bare ?? '').trim();
    return label === '' || isUtf8Label(label);
  });
}

function isUtf8Label(label: string): boolean {
  try {
    return new TextDecoder(label).encoding === 'utf-8';
  } catch {
    return false; // its only error: no name of any encoding
  }
}

/**
 * Where in a parsed value a text stands that no UTF-8 can hold (a lone surrogate, as `"\ud800"` in
 * JSON makes one); null if nowhere.
 */
export function findIllFormed(value: unknown, path: readonly PropertyKey[] = []): readonly PropertyKey[] | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : path;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, part] of Object.entries(value)) {
    const found = findIllFormed(part, [...path, key]);
    if (found !== null) return found;
  }
  return null;
}
