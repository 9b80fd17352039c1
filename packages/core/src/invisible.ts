/**
 * Characters that nobody sees. In a setting or a key they are always a mistake, and a hard one to
 * find. People bring the carriage return of a Windows file, the no-break space of a word processor
 * and the zero-width space of a web page.
 *
 * Invisible are:
 * - control characters, tab and line ends included;
 * - format characters: zero-width, bidirectional, tags, the byte-order mark, the soft hyphen;
 * - what Unicode lets programs leave out when they draw: variation selectors, fillers;
 * - line and paragraph separators, and every space but U+0020.
 *
 * A lone surrogate and U+FFFD are not invisible, but they are not text either: something was read
 * in a wrong encoding.
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
 * What is wrong with a setting or a key. The words hold nothing of it but the one character. Null
 * if it is visible text.
 */
export function invisibleFault(text: string): string | null {
  const found = INVISIBLE.exec(text);
  if (found !== null) return `expected no invisible character (found ${describe(found[0])}, ${placeOf(text, found)})`;
  const broken = BROKEN.exec(text);
  return broken === null ? null : `expected UTF-8 text (found what was read in another encoding, ${placeOf(text, broken)})`;
}

/** The text without invisible characters and spaces. It is for comparing, not for keeping. */
export function withoutInvisible(text: string): string {
  return text.replaceAll(' ', '').replace(new RegExp(INVISIBLE, 'gu'), '');
}

/**
 * Invisible characters that keyboards write on purpose: parts of an emoji, and joiners between
 * letters of scripts that need them.
 */
const JOINED = /\p{RGI_Emoji}|(?<=[[\p{L}\p{M}]--[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}]])[\u200C\u200D](?=\p{L})/gv;

/**
 * Like `invisibleFault`, for a password or a name for people. These may contain emoji, and the
 * joiners that some scripts need.
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
