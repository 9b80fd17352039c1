/**
 * Encodes a message once for all its viewers. The hub passes the same object to every viewer who is
 * owed the same.
 */

/**
 * Returns the encoded message. It is made at the first call, and kept as long as the message is.
 */
export function encodeOnce<T extends object, Encoded>(encode: (message: T) => Encoded): (message: T) => Encoded {
  const made = new WeakMap<T, Encoded>();
  return (message) => {
    const known = made.get(message);
    if (known !== undefined) return known;
    const encoded = encode(message);
    made.set(message, encoded);
    return encoded;
  };
}
