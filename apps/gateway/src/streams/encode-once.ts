/** One encoding of a message for all its viewers: the hub hands the same object to everybody who is owed the same. */

/** The text as UTF-8, made when it is first asked for and kept as long as the message is. */
export function encodeOnce<T extends object>(toText: (message: T) => string): (message: T) => Buffer {
  const made = new WeakMap<T, Buffer>();
  return (message) => {
    const known = made.get(message);
    if (known !== undefined) return known;
    const bytes = Buffer.from(toText(message));
    made.set(message, bytes);
    return bytes;
  };
}
