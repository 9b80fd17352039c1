import { describe, expect, it } from 'vitest';
import { invisibleFault, typedFault, withoutInvisible } from './invisible.ts';

describe('an invisible character', () => {
  const points = [
    0x00, 0x07, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b, 0x7f, 0x80, 0x85, 0x9f, 0xa0, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x1680, 0x17b4,
    0x180b, 0x180e, 0x2000, 0x2007, 0x200a, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x202f, 0x205f, 0x2060,
    0x2064, 0x2065, 0x2066, 0x2069, 0x206f, 0x2800, 0x3000, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff0, 0xfff9, 0x1bca0, 0x1d173,
    0xe0001, 0xe0020, 0xe007f, 0xe0100, 0xe01ef,
  ];
  it.each(points.map((point) => [point.toString(16), String.fromCodePoint(point)]))('U+%s is found anywhere', (_code, character) => {
    for (const text of [`${character}abc`, `a${character}bc`, `abc${character}`, character]) {
      expect(invisibleFault(text)).toContain('expected no invisible character');
    }
    expect(typedFault(`abc${character}`)).toContain('invisible character');
  });

  it('is told by its code and position, and nothing is told of the text around it', () => {
    expect(invisibleFault('secret\r')).toBe(
      'expected no invisible character (found U+000D, a carriage return, as a file with Windows line ends leaves it, at its end)',
    );
    expect(invisibleFault('se\u{E0041}cret')).toBe('expected no invisible character (found U+E0041, after 2 characters)');
    expect(invisibleFault('\uFEFFsecret')).toContain('U+FEFF, a byte-order mark, at its beginning');
    expect(invisibleFault('secret\t')).toContain('U+0009, a tab, at its end');
    expect(typedFault('❤️\t')).toContain('at its end');
  });
});

it.each(['', 'abc', 'a b', 'é й 漢字 😀', '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~', 'e\u0301'])('is in no visible text: %j', (text) => {
  expect(invisibleFault(text)).toBeNull();
});

it.each(['\uFFFD', 'a\uD800', '\uDC00b'])('a text that was read in another encoding is refused: %j', (text) => {
  expect(invisibleFault(text)).toContain('expected UTF-8 text');
  expect(typedFault(text)).toContain('expected UTF-8 text');
});

it('a text is compared without its spaces and invisible characters', () => {
  expect(withoutInvisible(' qk_ab\u200bcd  ef\u{E0041}\r\n')).toBe('qk_abcdef');
});

describe('a password', () => {
  it.each(['❤️', '👨‍👩‍👧 at home', '1️⃣2', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', 'می‌خواهم', 'क्‍ष', ' two  spaces ', '❤️❤️'])('may hold what keyboards write: %j', (text) => {
    expect(typedFault(text)).toBeNull();
  });
  it.each(['pass\u200dword', 'пар\u200cоль', 'κωδ\u200dικός', 'می\u200c', '\u200cpass', 'pass\ufe0f', 'me\u200bnow', '\u202epass'])(
    'may hold no other invisible character: %j',
    (text) => {
      expect(typedFault(text)).not.toBeNull();
    },
  );
});
