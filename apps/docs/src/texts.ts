/** The words of the site itself, beside its documents. */

import type { Group, Language } from './site-map.ts';

export interface Texts {
  readonly name: string;
  readonly description: string;
  readonly menu: string;
  readonly search: string;
  readonly searchHint: string;
  readonly nothingFound: string;
  readonly theme: string;
  readonly skip: string;
  readonly onThisPage: string;
  readonly otherLanguage: string;
  readonly inEnglish: string;
  readonly madeFrom: string;
  readonly fileOfRepository: string;
  readonly groups: Readonly<Record<Group, string>>;
}

export const TEXTS: Readonly<Record<Language, Texts>> = {
  en: {
    name: 'English',
    description: 'Live messenger-login QR codes, pushed to every screen.',
    menu: 'Menu',
    search: 'Search',
    searchHint: 'Search the documentation',
    nothingFound: 'Nothing found.',
    theme: 'Light or dark',
    skip: 'Skip to the content',
    onThisPage: 'On this page',
    otherLanguage: 'Русский',
    inEnglish: '',
    madeFrom: 'Made from',
    fileOfRepository: 'A file of the repository.',
    groups: { start: 'Start', operate: 'Operate', contract: 'Contract', project: 'Project' },
  },
  ru: {
    name: 'Русский',
    description: 'Живые QR-коды для входа в мессенджер — сразу на всех экранах.',
    menu: 'Меню',
    search: 'Поиск',
    searchHint: 'Поиск по документации',
    nothingFound: 'Ничего не найдено.',
    theme: 'Светлая или тёмная тема',
    skip: 'К содержанию',
    onThisPage: 'На этой странице',
    otherLanguage: 'English',
    inEnglish: 'Этот документ пока есть только на английском.',
    madeFrom: 'Страница собрана из',
    fileOfRepository: 'Файл репозитория.',
    groups: { start: 'Начало', operate: 'Эксплуатация', contract: 'Контракт', project: 'Проект' },
  },
};
