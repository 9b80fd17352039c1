/** The language of the console: the browser's, until the person chooses another for this visit. */

import type { Language } from '../languages.ts';
import type { ConsoleTexts } from './texts.ts';
import { EN } from './texts-en.ts';
import { RU } from './texts-ru.ts';

const TEXTS: Readonly<Record<Language, ConsoleTexts>> = { en: EN, ru: RU };
/** Each in its own words, for the switch. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = { en: 'English', ru: 'Русский' };

export const consoleTextsOf = (language: Language): ConsoleTexts => TEXTS[language];

/** @param tags BCP 47 tags by preference */
export function preferredLanguage(tags: readonly string[]): Language {
  const wished = tags.map((tag) => tag.toLowerCase().split('-')[0]);
  return wished.find((name): name is Language => name === 'en' || name === 'ru') ?? 'en';
}
