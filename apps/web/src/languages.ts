/** The languages of the login, and the choice between them. */

import type { Texts } from './texts.ts';
import { EN } from './texts-en.ts';
import { RU } from './texts-ru.ts';

const TEXTS = { en: EN, ru: RU } as const satisfies Readonly<Record<string, Texts>>;

export type Language = keyof typeof TEXTS;

const LANGUAGES: readonly string[] = Object.keys(TEXTS);

export function textsOf(language: Language): Texts {
  return TEXTS[language];
}

/** @param tags BCP 47 tags by preference, like `ru-RU`; null and empty ones are no preference */
export function chooseLanguage(tags: readonly (string | null)[]): Language {
  for (const tag of tags) {
    const language = tag?.toLowerCase().split('-')[0] ?? '';
    if (LANGUAGES.includes(language)) return language as Language;
  }
  return 'en';
}
