import { auditActionSchema } from '@qrcast/core/audit';
import { wireSessionSchema } from '@qrcast/core/wire';
import { describe, expect, it } from 'vitest';
import { consoleTextsOf, preferredLanguage } from './language.ts';
import { wordOf } from './texts.ts';

const { notice, end } = wireSessionSchema.shape;
const LANGUAGES = ['en', 'ru'] as const;
/** Words that are the same in both languages. */
const SHARED = /^$|^(ok|qrcast)$/;

/** Every text with its path, with numbers and names filled in. */
function leaves(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') return [[path, String(value('7', '8'))]];
  return Object.entries(value as object).flatMap(([key, child]) => leaves(child, `${path}/${key}`));
}

describe.each(LANGUAGES)('texts of the console in %s', (language) => {
  const texts = consoleTextsOf(language);

  it('has no empty text, and each is in its own language', () => {
    for (const [path, text] of leaves(texts)) {
      expect(text.trim(), path).not.toBe('');
      if (language === 'en') expect(text, path).not.toMatch(/[а-яё]/i);
      else if (!SHARED.test(text) && /[a-z]{4}/i.test(text)) expect(text, path).toMatch(/[а-яё]/i);
    }
  });

  it('has every notice, end and action of the contract', () => {
    expect(Object.keys(texts.notices).sort()).toEqual([...notice.unwrap().shape.code.options].sort());
    expect(Object.keys(texts.ends).sort()).toEqual([...end.unwrap().shape.reason.options, 'unwatched'].sort());
    expect(Object.keys(texts.audit.actions).sort()).toEqual([...auditActionSchema.options].sort());
  });
});

/** What a text must keep in every language: what is filled in, numbers, and commands to type. */
function fixedParts(text: string): string[] {
  const numbers = text.replace(/(\d),(\d)/g, '$1.$2').match(/\d+(?:\.\d+)?/g) ?? [];
  return [...numbers, ...(text.match(/\bqrcast (?:doctor|login|start|tenants|top|webhook)\b/g) ?? [])].sort();
}

it('fills in the same, and names the same numbers and commands, in every language', () => {
  const russian = new Map(leaves(consoleTextsOf('ru')));
  for (const [path, text] of leaves(consoleTextsOf('en')))
    expect([path, fixedParts(russian.get(path) ?? '')]).toEqual([path, fixedParts(text)]);
});

it('has one word for callbacks in Russian, and not that for notifications of the provider', () => {
  for (const [path, text] of leaves(consoleTextsOf('ru'))) expect(text, path).not.toMatch(/уведомл|колб/i);
});

it('has the same texts in every language', () => {
  const paths = (language: 'en' | 'ru') => leaves(consoleTextsOf(language)).map(([path]) => path);
  expect(paths('ru').sort()).toEqual(paths('en').sort());
});

it('shows a word that has no text as it came', () => {
  expect(wordOf({ fine: 'good' }, 'fine')).toBe('good');
  expect(wordOf({ fine: 'good' }, 'constructor')).toBe('constructor');
});

it('takes the first language that it has, else English', () => {
  expect(preferredLanguage(['de', 'ru-RU', 'en'])).toBe('ru');
  expect(preferredLanguage(['EN-us', 'ru'])).toBe('en');
  expect(preferredLanguage(['de'])).toBe('en');
});
