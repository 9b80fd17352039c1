import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Crawled, crawl, deadLinks } from '../test/crawl.ts';
import { expand } from './expand.ts';
import { listPages } from './site-map.ts';
import { writeSite } from './write-site.ts';

let folder: string;
let site: Crawled;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qrcast-docs-'));
  await writeSite(folder);
  site = crawl(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the built site', () => {
  it('has no dead link, and none that begins at the root of its server', () => {
    expect(deadLinks(site, (file) => existsSync(join(folder, file)))).toEqual([]);
  });

  it('loads nothing from elsewhere', () => {
    const loaded = [...site.pages].flatMap(([page, html]) =>
      [...html.matchAll(/<(?:script|img|link|source|iframe)\b[^>]*\s(?:src|href)="https?:[^"]*"/g)].map(([tag]) => `${page}: ${tag}`),
    );
    expect(loaded).toEqual([]);
  });

  it('has no inline script and no inline style, which its policy forbids', () => {
    const inline = [...site.pages].flatMap(([page, html]) =>
      [...html.matchAll(/<script(?![^>]* src=)[^>]*>|<[a-z][^>]*\sstyle="[^"]*"|<style|<[a-z][^>]*\son\w+="/g)].map(
        ([tag]) => `${page}: ${tag}`,
      ),
    );
    expect(inline).toEqual([]);
  });

  it('describes each picture', () => {
    const silent = [...site.pages].flatMap(([page, html]) =>
      [...html.matchAll(/<img\b[^>]*>/g)]
        .map(([tag]) => tag)
        .filter((tag) => !/\salt="[^"]/.test(tag) && !tag.includes('icon.svg'))
        .map((tag) => `${page}: ${tag}`),
    );
    expect(silent).toEqual([]);
  });

  it('finds a planted dead link and a planted dead anchor', () => {
    const pages = new Map([
      ['a/b.html', '<a href="../c.html"></a><a href="../c.html#no"></a><a href="#here" id="here"></a><a href="../gone.html"></a>'],
      ['c.html', '<h1 id="yes"></h1><a href="a/b.html"></a><a href="/a/b.html"></a>'],
    ]);
    const names = [...pages].flatMap(([page, html]) => [...html.matchAll(/href="([^"]*)"/g)].map(([, name = '']) => ({ page, name })));
    expect(deadLinks({ pages, names }, () => false)).toEqual(['a/b.html ../c.html#no', 'a/b.html ../gone.html', 'c.html /a/b.html']);
  });
});

describe('the translations', () => {
  const TRANSLATED = ['', 'quick-start', 'comparison', 'runbook', 'guides/front-end', 'guides/back-end', 'guides/operator'];
  const pages = listPages();

  it('are these', () => {
    const translated = pages.filter(({ language, isForeign }) => language === 'ru' && !isForeign).map(({ id }) => id);
    expect(translated.sort()).toEqual(TRANSLATED.sort());
  });

  it.each(TRANSLATED)('of "%s" has the headings and the code of its twin', (id) => {
    const [english, russian] = ['en', 'ru'].map((language) => {
      const page = pages.find((one) => one.id === id && one.language === language);
      const fragments = page === undefined ? [] : expand(page.source, page.language);
      return outline(fragments.map(({ markdown }) => markdown).join('\n'));
    });
    expect(english?.headings).not.toEqual([]);
    expect(russian).toEqual(english);
  });
});

/** The levels of the headings, and the code without its comments, which may be translated. */
function outline(markdown: string): { readonly headings: readonly number[]; readonly code: readonly string[] } {
  const code: string[] = [];
  const prose = markdown.replaceAll(/^ *(`{3,})[^\n]*\n(.*?)^ *\1$/gms, (_whole, _fence, text: string) => {
    code.push(text.replaceAll(/ *(?:\/\/|#) .*$/gm, ''));
    return '';
  });
  return { headings: [...prose.matchAll(/^(#+) /gm)].map(([, marks = '']) => marks.length), code };
}
