/** Reads a built site and finds links that lead nowhere. */

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';

export interface Crawled {
  readonly pages: ReadonlyMap<string, string>;
  /** Everything a page names, by page. */
  readonly names: readonly { readonly page: string; readonly name: string }[];
}

const NAMES = /\s(?:href|src|data-index)="([^"]*)"/g;

export function crawl(folder: string): Crawled {
  const files = globSync('**/*.html', { cwd: folder }).map((file) => file.replaceAll('\\', '/'));
  const pages = new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
  const names = [...pages].flatMap(([page, html]) => [...html.matchAll(NAMES)].map(([, name = '']) => ({ page, name })));
  return { pages, names };
}

/** @param exists whether the site has a file that is no page */
export function deadLinks({ pages, names }: Crawled, exists: (file: string) => boolean): string[] {
  const ids = new Map([...pages].map(([page, html]) => [page, new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id))]));
  return [...new Set(names.map(({ page, name }) => `${page} ${name}`))].filter((pair) => {
    const [page = '', name = ''] = pair.split(' ');
    if (/^https?:|^mailto:/.test(name)) return false;
    if (name.startsWith('/')) return true; // the site may be below a path
    const [path = '', anchor] = name.split('#');
    const target = path === '' ? page : normalize(join(dirname(page), path));
    if (!pages.has(target)) return !exists(target);
    return anchor !== undefined && !ids.get(target)?.has(decodeURIComponent(anchor));
  });
}
