import { CLOSE_CODES } from '@qrcast/core/close-codes';
import { wireSessionSchema } from '@qrcast/core/wire';
import { describe, expect, it } from 'vitest';
import { chooseLanguage, TEXTS, type Texts } from './texts.ts';

const { notice, end } = wireSessionSchema.shape;

/** Every text with its path, those with a number filled in. */
function leaves(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') return [[path, String(value('1234'))]];
  return Object.entries(value as object).flatMap(([key, child]) => leaves(child, `${path}/${key}`));
}

describe.each(Object.entries(TEXTS) as [string, Texts][])('texts in %s', (language, texts) => {
  it('has no empty text, and none that forgets its number', () => {
    for (const [path, text] of leaves(texts)) expect(text.trim(), path).not.toBe('');
    for (const text of [texts.retryIn(7), texts.validFor(7), texts.phoneEnding('7')]) expect(text).toContain('7');
  });

  it('is in its own language', () => {
    for (const [path, text] of leaves(texts)) expect(/[а-яё]/i.test(text), `${path}: ${text}`).toBe(language === 'ru');
  });

  it.each(notice.unwrap().shape.code.options)('has the notice %s', (code) => {
    expect(Object.keys(texts.notices)).toContain(code);
  });

  it.each(end.unwrap().shape.reason.options)('has the end %s', (reason) => {
    expect(Object.keys(texts.ends)).toContain(reason);
  });

  it.each(Object.keys(CLOSE_CODES))('has the close %s', (code) => {
    expect(Object.keys(texts.closes)).toContain(code);
  });
});

it('has the same texts in every language', () => {
  const paths = (texts: Texts) => leaves(texts).map(([path]) => path);
  expect(paths(TEXTS.ru)).toEqual(paths(TEXTS.en));
});

it('takes the language of the query, then of the browser, then English', () => {
  expect(chooseLanguage('?lang=ru', 'en-GB')).toBe('ru');
  expect(chooseLanguage('?lang=EN-us', 'ru')).toBe('en');
  expect(chooseLanguage('?lang=xx', 'ru-RU')).toBe('ru');
  expect(chooseLanguage('', 'ru')).toBe('ru');
  expect(chooseLanguage('', 'de-DE')).toBe('en');
});
