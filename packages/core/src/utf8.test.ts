import { describe, expect, it } from 'vitest';
import { createUtf8Check, decodeUtf8, findIllFormed, isUtf8Declared, withoutMark } from './utf8.ts';

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);

describe('bytes', () => {
  it.each([
    ['nothing', bytes(), ''],
    ['two, three and four bytes', new TextEncoder().encode('é й 😀'), 'é й 😀'],
    ['one byte-order mark', bytes(0xef, 0xbb, 0xbf, 0x61), 'a'],
    ['two byte-order marks', bytes(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf, 0x61), '\uFEFFa'],
    ['a replacement character that was sent as one', bytes(0xef, 0xbf, 0xbd), '\uFFFD'],
  ])('are read: %s', (_what, given, text) => {
    expect(decodeUtf8(given)).toBe(text);
  });

  it.each([
    ['cp1251', bytes(0xe7, 0xe0, 0xea, 0xe0, 0xe7)],
    ['latin-1', bytes(0x63, 0x61, 0x66, 0xe9)],
    ['UTF-16 little endian with its mark', bytes(0xff, 0xfe, 0x7b, 0)],
    ['UTF-16 big endian with its mark', bytes(0xfe, 0xff, 0, 0x7b)],
    ['UTF-32 little endian with its mark', bytes(0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0)],
    ['UTF-32 big endian with its mark', bytes(0, 0, 0xfe, 0xff, 0, 0, 0, 0x7b)],
    ['an overlong slash', bytes(0xc0, 0xaf)],
    ['an overlong NUL', bytes(0xc0, 0x80)],
    ['an overlong form of three bytes', bytes(0xe0, 0x80, 0xaf)],
    ['a surrogate', bytes(0xed, 0xa0, 0x80)],
    ['a pair of surrogates (CESU-8)', bytes(0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80)],
    ['a code point above U+10FFFF', bytes(0xf4, 0x90, 0x80, 0x80)],
    ['a cut character', bytes(0xf0, 0x9f, 0x98)],
    ['a continuation alone', bytes(0x80)],
  ])('are no text: %s', (_what, given) => {
    expect(decodeUtf8(given)).toBeNull();
  });
});

it('one leading mark is dropped from a text, and no other', () => {
  expect(['a', '\uFEFFa', '\uFEFF\uFEFFa', 'a\uFEFF', '\uFEFF'].map(withoutMark)).toEqual(['a', 'a', '\uFEFFa', 'a\uFEFF', '']);
});

describe('a declared charset', () => {
  it.each([
    undefined,
    '',
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'application/json; Charset="utf-8"',
    'application/json; charset=utf8',
    "application/json; charset='UTF8'",
    'application/json; charset="u\\tf-8"',
    'application/json ; boundary=x ; charset = unicode-1-1-utf-8',
    'application/json; charset=',
    'application/json; charset=" utf-8 "',
    'application/json; charset=" "',
    'application/json; charset=utf-8;',
    'application/json; profile="a; charset=cp1251"; charset=utf-8',
  ])('is UTF-8: %s', (contentType) => {
    expect(isUtf8Declared(contentType)).toBe(true);
  });

  it.each([
    'application/json; charset=windows-1251',
    'application/json;charset="cp1251"',
    'application/json; charset=ISO-8859-1',
    'application/json; charset=us-ascii',
    'application/json; charset=utf-16',
    'application/json; charset=UTF-16LE',
    'application/json; charset=utf-32',
    'application/json; charset=utf-7',
    'application/json; charset=koi8-r',
    'application/json; charset=nonsense',
    'application/json; charset=utf-8; charset=windows-1251',
    'application/json; CHARSET=gbk',
    'application/json;charset=cp1251;charset=utf-8',
    'application/json;\tcharset\t=\tcp866',
    'application/json; profile="a; charset=utf-8"; charset=gb18030',
    'application/json; charset="koi8-r',
  ])('is another: %s', (contentType) => {
    expect(isUtf8Declared(contentType)).toBe(false);
  });
});

it('a lone surrogate is found wherever it stands', () => {
  expect(findIllFormed({ a: ['x', { b: '\uD83D\uDE00' }], c: 1, d: null, e: undefined })).toBeNull();
  expect(findIllFormed('\uD800')).toEqual([]);
  expect(findIllFormed({ a: ['x', { b: 'y\uDC00' }] })).toEqual(['a', '1', 'b']);
  expect(findIllFormed({ a: '\uDE00\uD83D' })).toEqual(['a']);
});

it('bytes in chunks are checked across the borders, and a cut character is found at the end', () => {
  const check = createUtf8Check();
  expect([check(bytes(0x61, 0xd0)), check(bytes(0xb8)), check()]).toEqual([true, true, true]);
  const cut = createUtf8Check();
  expect([cut(bytes(0xd0)), cut()]).toEqual([true, false]);
  const other = createUtf8Check();
  expect([other(bytes(0xe7, 0xe0)), other(bytes(0x61)), other()]).toEqual([false, false, false]);
});
