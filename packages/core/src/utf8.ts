/**
 * Text from bytes. UTF-8 is the only encoding that qrcast reads. One byte-order mark before the
 * text is not part of it.
 */

/**
 * Decodes the bytes, without a leading byte-order mark. Null if they are not UTF-8, as with
 * overlong forms, surrogates and cut characters.
 */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null; // its only error: not UTF-8
  }
}

/**
 * Checks bytes that come in chunks. Call it with each chunk, and without an argument at the end. It
 * returns false from the first chunk that cannot be UTF-8. A character may be cut in two between
 * chunks.
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

/** The text without one leading byte-order mark, for text that was decoded elsewhere. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** Matches parameters of any name, so that nothing inside the quotes of one counts as another. */
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
    return false; // its only error: not the name of an encoding
  }
}

/**
 * The path to a text in a parsed value that UTF-8 cannot hold: a lone surrogate, as `"\ud800"` in
 * JSON makes one. Null if there is none.
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
