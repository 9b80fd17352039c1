/**
 * Whether a secret that a person gave was made by a machine. It cannot be proved, but what people type, repeat or copy from an example can be
 * told: none of these rules meets one in a hundred thousand random values. Words for the person, never the value.
 */

/** What stands in examples and placeholders, and in no random value of this length. */
const PLACEHOLDER_WORDS = ['changeme', 'change-me', 'change_me', 'example', 'password', 'qrcast', 'replace', 'secret'];
/** 32 random bytes have about 30 different ones; as hex digits, which are taken too, about all 16 of those. */
const MIN_DIFFERENT_BYTES = 12;
/** Random hex digits, the poorest alphabet people use, have 15 of 16 here. */
const MIN_DIFFERENT_CHARACTERS = 8;
/** A typed sentence of this length still holds fewer than 32 random bytes. */
const MIN_READABLE_LENGTH = 43;

/** What is wrong with the bytes of a key, null if nothing can be seen. */
export function weaknessOfKey(key: Buffer): string | null {
  const text = key.toString('latin1');
  if (new Set(key).size < MIN_DIFFERENT_BYTES) return `has ${new Set(key).size} different bytes; random ones have about 30`;
  const shape = weakShape(text);
  if (shape !== null) return shape;
  const isReadable = /^[\x20-\x7e\s]*$/.test(text);
  if (isReadable && (text.length < MIN_READABLE_LENGTH || /\S \S/.test(text))) return 'is readable text, not random bytes';
  return null;
}

/** What is wrong with a secret text, null if nothing can be seen. */
export function weaknessOfText(text: string): string | null {
  const different = new Set(text).size;
  if (different < MIN_DIFFERENT_CHARACTERS) return `has ${different} different characters`;
  return weakShape(text);
}

function weakShape(text: string): string | null {
  if (PLACEHOLDER_WORDS.some((word) => text.toLowerCase().includes(word))) return 'reads like the value of an example';
  if (isRepeated(text)) return 'repeats itself';
  return isCounted(text) ? 'counts up or down' : null;
}

function isRepeated(text: string): boolean {
  for (let period = 1; period <= text.length / 2; period++) {
    if (text.slice(period) === text.slice(0, -period)) return true;
  }
  return false;
}

function isCounted(text: string): boolean {
  const steps = new Set<number>();
  for (let i = 1; i < text.length; i++) steps.add(text.charCodeAt(i) - text.charCodeAt(i - 1));
  return steps.size <= 2; // two, for a wrap such as 9 to 0
}
