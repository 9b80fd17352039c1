/**
 * Encodes a message once for all its viewers. The hub passes the same object to every viewer who is
 * owed the same.
 */

/**
 * Returns the bytes of a message. They are made at the first call, and kept as long as the message
 * is.
 */
export function encodeOnce<T extends object>(encode: (message: T) => Buffer): (message: T) => Buffer {
  const made = new WeakMap<T, Buffer>();
  return (message) => {
    const known = made.get(message);
    if (known !== undefined) return known;
    const bytes = encode(message);
    made.set(message, bytes);
    return bytes;
  };
}
