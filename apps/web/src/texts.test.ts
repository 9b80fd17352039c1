import { CLOSE_CODES } from '@qrcast/core/close-codes';
import { wireSessionSchema } from '@qrcast/core/wire';
import { describe, expect, it } from 'vitest';
import { chooseLanguage, type Language, textsOf } from './languages.ts';

const { notice, end } = wireSessionSchema.shape;
const LANGUAGES: readonly Language[] = ['en', 'ru'];

/** Every text with its path, with numbers and names filled in. */
function leaves(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') return [[path, String(value('1234'))]];
  return Object.entries(value as object).flatMap(([key, child]) => leaves(child, `${path}/${key}`));
}

describe.each(LANGUAGES)('texts in %s', (language) => {
  const { direction, ...texts } = textsOf(language);

  it('has no empty text, and none that lacks its number or name', () => {
    for (const [path, text] of leaves(texts)) expect(text.trim(), path).not.toBe('');
    const { retryIn, validFor, againIn, returning, phoneEnding, returnTo, returnSoon } = texts;
    for (const text of [retryIn(7), validFor(7), againIn(7), returning(7), phoneEnding('7'), returnTo('7'), returnSoon('7')]) {
      expect(text).toContain('7');
    }
  });

  it('is in its own language', () => {
    expect(direction).toBe('ltr');
    for (const [path, text] of leaves(texts)) expect(/[а-яё]/i.test(text), `${path}: ${text}`).toBe(language === 'ru');
  });

  it.each(notice.unwrap().shape.code.options)('has the notice %s', (code) => {
    expect(Object.keys(texts.notices)).toContain(code);
  });

  it.each(end.unwrap().shape.reason.options)('has the end %s', (reason) => {
    expect(Object.keys(texts.ends)).toContain(reason);
  });

  it.each(Object.keys(CLOSE_CODES))('has the close %s', (code) => {
    expect(Object.keys(texts.refusals)).toContain(code);
  });
});

it('has the same texts in every language', () => {
  const paths = (language: Language) => leaves(textsOf(language)).map(([path]) => path);
  expect(paths('ru')).toEqual(paths('en'));
});

it('takes the first language that it has, else English', () => {
  expect(chooseLanguage(['ru', 'en-GB'])).toBe('ru');
  expect(chooseLanguage(['EN-us', 'ru'])).toBe('en');
  expect(chooseLanguage([null, '', 'xx', 'ru-RU'])).toBe('ru');
  expect(chooseLanguage(['de-DE', 'constructor'])).toBe('en');
  expect(chooseLanguage([])).toBe('en');
});
