/**
 * Which pages the site has. The documents stay where they are in the repository. Only what exists
 * nowhere else is in `content`: the home page, the guides, the comparison, and translations.
 */

import { existsSync, globSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the repository, without a slash at its end. */
export const TOP = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

export const LANGUAGES = ['en', 'ru'] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Page {
  readonly language: Language;
  /** Without language: `guides/back-end`, or empty for the home page. The same in all languages. */
  readonly id: string;
  /** The Markdown's path from the top of the repository. */
  readonly source: string;
  /** True for an English document in another tree. */
  readonly isForeign: boolean;
}

export type Group = 'start' | 'operate' | 'contract' | 'project';

/** What the menu shows, in its order. Other documents have pages and no place in the menu. */
export const MENU: Readonly<Record<Group, readonly string[]>> = {
  start: ['quick-start', 'guides/front-end', 'guides/back-end', 'guides/operator', 'comparison'],
  operate: [
    'operating',
    'runbook',
    'settings',
    'metrics',
    'capacity',
    'security',
    'infra/image',
    'infra/compose',
    'infra/chart',
    'infra/systemd',
    'infra/proxies',
  ],
  contract: ['packages/core/protocol', 'packages/core/spec', 'packages/client', 'apps/web', 'apps/examples', 'packages/simulator'],
  project: ['architecture', 'decisions', 'contributing', 'infra/bench', 'changelog'],
};

const CONTENT = 'apps/docs/content';
/** They are shown as the home page and the quick start. */
const SHOWN_ELSEWHERE = ['README.md', 'README.ru.md'];

/** @returns all pages in both languages; one that has no translation is in English in both trees */
export function listPages(): Page[] {
  const own = (language: Language): Map<string, string> =>
    new Map(globSync('**/*.md', { cwd: join(TOP, CONTENT, language) }).map((file) => [idOf(file), `${CONTENT}/${language}/${file}`]));
  const english = new Map([...listDocuments(), ...own('en')]);
  return LANGUAGES.flatMap((language) => {
    const translated = language === 'en' ? english : own(language);
    return [...english].map(([id, source]) => ({
      language,
      id,
      source: translated.get(id) ?? source,
      isForeign: !translated.has(id),
    }));
  });
}

function listDocuments(): [string, string][] {
  const files = globSync(['*.md', '{apps,packages,infra}/**/*.md'], { cwd: TOP, exclude: ['**/node_modules', '**/dist', CONTENT] });
  return files.filter((file) => !SHOWN_ELSEWHERE.includes(file)).map((file) => [idOf(file), file]);
}

/** A folder's README is the page of the folder. */
function idOf(file: string): string {
  const name = basename(file, '.md').toLowerCase();
  const path = join(dirname(file), name === 'readme' || name === 'index' ? '' : name);
  return path === '.' ? '' : path.replace(/\/$/, '');
}

/** Where a page is in the built site. */
export function pageFile(language: Language, id: string): string {
  return `${language === 'en' ? '' : `${language}/`}${id === '' ? 'index' : id}.html`;
}

/** Where a file of the repository is shown, which has no page of its own. */
export function fileOf(path: string): string {
  return `files/${path}.html`;
}

/** @returns the document that a link to this path means, or null: the README of a folder, or the file itself */
export function documentAt(path: string): string | null {
  const file = path === '' || isFolder(path) ? join(path, 'README.md') : path;
  return file.endsWith('.md') && existsSync(join(TOP, file)) ? file : null;
}

export function isFolder(path: string): boolean {
  return statSync(join(TOP, path), { throwIfNoEntry: false })?.isDirectory() === true;
}

/** @returns the page's id for a document; the READMEs at the top are the home page */
export function idOfDocument(document: string): string {
  if (document === 'README.md' || document === 'README.ru.md') return '';
  return idOf(document.startsWith(CONTENT) ? document.slice(CONTENT.length + 4) : document);
}
