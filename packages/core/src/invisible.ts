/**
 * Characters that nobody sees: in a setting or a key they are always a mistake, and one that is
 * hard to find. A carriage return of a Windows file, a no-break space of a word processor and a
 * zero-width space of a web page are what people bring.
 *
 * Invisible is: a control character (tab and line ends included), a format character (zero-width,
 * bidirectional, tags, the byte-order mark, soft hyphen), whatever Unicode lets programs leave out
 * when they draw (variation selectors, fillers), a line or paragraph separator, and every space but
 * U+0020. A lone surrogate and U+FFFD are no invisible characters, but no text either: something
 * was read in a wrong encoding.
 */

/** U+2800 is the empty Braille pattern, a symbol that draws nothing. */
const INVISIBLE = /(?! )[\p{Cc}\p{Cf}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;
const BROKEN = /[\p{Cs}\uFFFD]/u;

const NAMES: Readonly<Record<string, string>> = {
  '\t': 'a tab',
  '\n': 'a line end',
  '\r': 'a carriage return, as a file with Windows line ends leaves it',
  '\u00A0': 'a no-break space',
  '\u00AD': 'a soft hyphen',
  '\u200B': 'a zero-width space',
  '\uFEFF': 'a byte-order mark',
};

/**
 * What is wrong with a setting or a key, in words that hold nothing else of it; null if it is
 * visible text.
 */
export function invisibleFault(text: string): string | null {
  const found = INVISIBLE.exec(text);
  if (found !== null) return `expected no invisible character (found ${describe(found[0])}, ${placeOf(text, found)})`;
  const broken = BROKEN.exec(text);
  return broken === null ? null : `expected UTF-8 text (found what was read in another encoding, ${placeOf(text, broken)})`;
}

/** Without what nobody sees, and without spaces: for text that is compared, not kept. */
export function withoutInvisible(text: string): string {
  return text.replaceAll(' ', '').replace(new RegExp(INVISIBLE, 'gu'), '');
}

/**
 * What keyboards write inside pictures and words: the parts of an emoji, and joiners between
 * letters of scripts that need them.
 */
const JOINED = /\p{RGI_Emoji}|(?<=[[\p{L}\p{M}]--[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]])[\u200C\u200D](?=\p{L})/gv;

/**
 * The same of a password or a name for people, which may hold emoji, and joiners as some scripts
 * need them.
 */
export function typedFault(text: string): string | null {
  return invisibleFault(text.replace(JOINED, 'x'));
}

function describe(character: string): string {
  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  const name = NAMES[character];
  return name === undefined ? code : `${code}, ${name}`;
}

function placeOf(text: string, { index, 0: character }: RegExpExecArray): string {
  if (index === 0) return 'at its beginning';
  return index + character.length === text.length ? 'at its end' : `after ${index} characters`;
}
