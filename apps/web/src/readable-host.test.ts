import { describe, expect, it, vi } from 'vitest';
import { readableHost } from './readable-host.ts';

const hostOf = (name: string): string => new URL(`https://${name}`).host;

describe('a host is shown as people know it', () => {
  it.each([
    'пример.рф',
    'личный-кабинет.пример.рф:8443',
    'оосо.рф', // letters like Latin ones, below a domain that says what they are
    'магазин.example.com',
    'bücher.example',
    'łódź.example',
    'παράδειγμα.example',
    '例え.jp',
    '한국.kr',
    'հայաստան.am',
  ])('%s', (name) => {
    expect(hostOf(name)).toContain('xn--');
    expect(readableHost(hostOf(name))).toBe(name);
  });

  it.each(['shop.example.com', 'shop.example.com:8443', 'localhost:3000', '[::1]:8443', '127.0.0.1'])('%s, which is plain', (host) => {
    expect(readableHost(host)).toBe(host);
  });
});

describe('a host that could be mistaken for another is shown in its DNS form', () => {
  it.each([
    ['Cyrillic letters like Latin ones', 'аррӏе.com'],
    ['the same, with a digit', 'сос0.com'],
    ['two scripts in one label', 'pаypal.com'],
    ['the other way round', 'сберbank.ru'],
    ['Greek letters like Latin ones', 'ορο.com'],
    ['a Latin letter that is another', 'wıkipedia.org'],
    ['a Latin letter of phonetics', 'ɡoogle.com'],
    ['one label of several', 'аррӏе.пример.com'],
    ['from right to left', 'דוגמה.example'],
    ['signs', '☃.example'],
    ['emoji', '😀.example'],
  ])('%s', (_what, name) => {
    const host = hostOf(name);
    expect(host).toContain('xn--');
    expect(readableHost(host)).toBe(host);
  });

  it.each(['xn--', 'xn--a', 'xn--99999999999.com', 'xn--a-.com', 'xn--!.com', 'xn--abc-abc.com'])(
    'a host that is not valid Punycode: %s',
    (host) => {
      expect(readableHost(host)).toBe(host);
    },
  );
});

it('decodes every name that was encoded (seeded)', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  let state = seed;
  const next = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  for (let round = 0; round < 2_000; round++) {
    const letters = Array.from({ length: 1 + next(30) }, () => String.fromCodePoint(0x431 + next(31)));
    const name = `${letters.join('')}я.рф`;
    expect(readableHost(hostOf(name)), `SEED=${seed}`).toBe(name);
  }
});

it('works without what the oldest supported browsers lack', () => {
  class OldUrl extends URL {}
  Object.defineProperty(OldUrl, 'parse', { value: undefined });
  vi.stubGlobal('URL', OldUrl);
  expect(readableHost(hostOf('пример.рф'))).toBe('пример.рф');
  vi.unstubAllGlobals();
});
