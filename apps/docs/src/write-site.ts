/** Writes the whole site into a folder: pages, files that they link to, pictures, script and search. */

import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import MiniSearch from 'minisearch';
import { build } from 'vite';
import { type Framed, frame } from './layout.ts';
import { type Asked, pictureFile } from './links.ts';
import { renderFile, renderPage } from './render-page.ts';
import { SEARCH_OPTIONS } from './search-options.ts';
import { sectionsOf } from './sections.ts';
import { LANGUAGES, type Language, listPages, TOP } from './site-map.ts';

/** Long lists of names, in which nobody searches for help. */
const NOT_SEARCHED = new Set(['changelog', 'third-party-licenses']);

/** @returns how many pages were written */
export async function writeSite(folder: string): Promise<number> {
  rmSync(folder, { recursive: true, force: true });
  const asked: Asked = { files: new Set(), pictures: new Set() };
  const pages = listPages().map((page) => renderPage(page, asked));
  const files: Framed[] = [];
  for (const path of asked.files) files.push(renderFile(path, asked)); // a folder adds more while this goes on
  const titles = new Map(pages.map(({ language, id, title }) => [`${language} ${id}`, title]));
  for (const page of [...pages, ...files]) write(join(folder, page.file), frame(page, titles));
  for (const picture of asked.pictures) copy(join(TOP, picture), join(folder, pictureFile(picture)));
  for (const language of LANGUAGES) write(join(folder, `assets/search-${language}.json`), searchIndex(pages, language));
  for (const name of ['site.css', 'theme.js', 'icon.svg']) copy(join(import.meta.dirname, 'browser', name), join(folder, 'assets', name));
  // The one package of others that is in the script.
  copy(fileURLToPath(new URL('../../LICENSE.txt', import.meta.resolve('minisearch'))), join(folder, 'assets/minisearch-licence.txt'));
  await buildScript(join(folder, 'assets'));
  return pages.length + files.length;
}

function searchIndex(pages: readonly Framed[], language: Language): string {
  const index = new MiniSearch(SEARCH_OPTIONS);
  for (const page of pages) {
    if (page.language === language && !NOT_SEARCHED.has(page.id ?? '')) index.addAll(sectionsOf(page));
  }
  return JSON.stringify(index);
}

async function buildScript(outDir: string): Promise<void> {
  await build({
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2022',
      modulePreload: { polyfill: false },
      rollupOptions: {
        input: join(import.meta.dirname, 'browser/site.ts'),
        output: { entryFileNames: 'site.js', chunkFileNames: '[name].js' },
      },
    },
  });
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
