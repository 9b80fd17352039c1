/**
 * Recognises secrets that were not made by a machine. Randomness cannot be proved, but text that
 * people type, repeat or copy from an example can be recognised. Fewer than one in 100,000 random
 * values break one of these rules. The returned texts never contain the value.
 */

/** Words of examples and placeholders. No random value of this length contains one. */
const PLACEHOLDER_WORDS = ['changeme', 'change-me', 'change_me', 'example', 'password', 'qrcast', 'replace', 'secret'];
/**
 * 32 random bytes have about 30 different ones. Written as hex digits, which are accepted too, they
 * have nearly all 16.
 */
const MIN_DIFFERENT_BYTES = 12;
/** Random hex digits, the smallest alphabet in use, have about 15 different ones at this length. */
const MIN_DIFFERENT_CHARACTERS = 8;
/** Shorter readable text holds fewer than 32 random bytes. */
const MIN_READABLE_LENGTH = 43;

/** Says what is wrong with the bytes of a key. Null if nothing is found. */
export function weaknessOfKey(key: Buffer): string | null {
  const text = key.toString('latin1');
  if (new Set(key).size < MIN_DIFFERENT_BYTES) return `has ${new Set(key).size} different bytes; random ones have about 30`;
  const shape = weakShape(text);
  if (shape !== null) return shape;
  const isReadable = /^[\x20-\x7e\s]*$/.test(text);
  if (isReadable && (text.length < MIN_READABLE_LENGTH || /\S \S/.test(text))) return 'is readable text, not random bytes';
  return null;
}

/** Says what is wrong with a secret text. Null if nothing is found. */
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
  return steps.size <= 2; // two, because 9 may be followed by 0
}
