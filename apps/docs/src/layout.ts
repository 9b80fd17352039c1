/** The HTML around a page's content. All addresses are relative, so the site works below any path. */

import { dirname, relative } from 'node:path/posix';
import { escaped, type Heading } from './markdown.ts';
import { type Group, type Language, MENU, pageFile } from './site-map.ts';
import { TEXTS } from './texts.ts';

/** Everything comes from the site itself, and nothing is inline. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'";

export interface Framed {
  readonly language: Language;
  /** Where the page is in the built site. */
  readonly file: string;
  /** Null for a file of the repository. */
  readonly id: string | null;
  readonly title: string;
  readonly content: string;
  readonly headings: readonly Heading[];
  readonly isForeign: boolean;
  /** The documents that the page was made from. */
  readonly sources: readonly string[];
}

/** @param titles the pages that there are, by language and id */
export function frame(page: Framed, titles: ReadonlyMap<string, string>): string {
  const { language, id, title, content } = page;
  const to = (file: string): string => hrefFrom(page.file, file);
  const isHome = id === '';
  const main = isHome
    ? content
    : `${page.isForeign && language !== 'en' ? `<p class="note">${TEXTS[language].inEnglish}</p>` : ''}
<article${page.isForeign ? ' lang="en"' : ''}>${content}</article>${madeFrom(page)}`;
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="${TEXTS[language].description}">
<meta name="referrer" content="no-referrer">
${id === null ? '<meta name="robots" content="noindex">' : ''}
<title>${escaped(title)}${isHome ? '' : ' · qrcast'}</title>
<link rel="icon" href="${to('assets/icon.svg')}" type="image/svg+xml">
<link rel="stylesheet" href="${to('assets/site.css')}">
<script src="${to('assets/theme.js')}"></script>
<script type="module" src="${to('assets/site.js')}"></script>
</head>
<body class="${isHome ? 'home' : 'page'}">
<a class="skip" href="#content">${TEXTS[language].skip}</a>
${header(page, to)}
<div class="columns">
${menu(page, titles, to)}
<main id="content" tabindex="-1">
${main}
</main>
${isHome ? '' : contents(page)}
</div>
${searchDialog(language, to)}
</body>
</html>
`;
}

export function hrefFrom(from: string, to: string): string {
  return relative(dirname(from), to);
}

function header({ language, id }: Framed, to: (file: string) => string): string {
  const { search, theme, menu: menuName, otherLanguage } = TEXTS[language];
  const other = language === 'en' ? 'ru' : 'en';
  return `<header>
<button type="button" class="menu-button" aria-expanded="false" aria-controls="menu">${menuName}</button>
<a class="logo" href="${to(pageFile(language, ''))}"><img src="${to('assets/icon.svg')}" width="24" height="24" alt="">qrcast</a>
<span class="space"></span>
<button type="button" class="search-button">${search} <kbd>/</kbd></button>
<a class="language" lang="${other}" hreflang="${other}" href="${to(pageFile(other, id ?? ''))}">${otherLanguage}</a>
<button type="button" class="theme-button" aria-label="${theme}" title="${theme}">◐</button>
</header>`;
}

function menu({ language, id }: Framed, titles: ReadonlyMap<string, string>, to: (file: string) => string): string {
  const groups = Object.entries(MENU) as [Group, readonly string[]][]; // the keys of MENU are groups
  const lists = groups.map(([group, ids]) => {
    const items = ids.flatMap((one) => {
      const title = titles.get(`${language} ${one}`);
      const here = one === id ? ' aria-current="page"' : '';
      return title === undefined ? [] : [`<li><a href="${to(pageFile(language, one))}"${here}>${escaped(title)}</a></li>`];
    });
    return `<p>${TEXTS[language].groups[group]}</p>\n<ul>${items.join('\n')}</ul>`;
  });
  return `<nav id="menu" class="menu" aria-label="${TEXTS[language].menu}">\n${lists.join('\n')}\n</nav>`;
}

function contents({ language, headings }: Framed): string {
  const items = headings.filter(({ level }) => level === 2 || level === 3);
  if (items.length < 2) return '';
  const name = TEXTS[language].onThisPage;
  return `<nav class="contents" aria-label="${name}"><p>${name}</p>
<ul>${items.map(({ level, id, text }) => `<li class="level-${level}"><a href="#${id}">${escaped(text)}</a></li>`).join('\n')}</ul></nav>`;
}

function madeFrom({ language, sources, id }: Framed): string {
  if (id === null) return '';
  return `\n<footer>${TEXTS[language].madeFrom} ${sources.map((source) => `<code>${source}</code>`).join(', ')}</footer>`;
}

function searchDialog(language: Language, to: (file: string) => string): string {
  const { searchHint, search, nothingFound } = TEXTS[language];
  return `<dialog class="search" aria-label="${search}" data-index="${to(`assets/search-${language}.json`)}" data-root="${to('index.html').replace('index.html', '')}" data-nothing="${nothingFound}">
<input type="search" aria-label="${searchHint}" placeholder="${searchHint}" autocomplete="off" spellcheck="false">
<p role="status"></p>
<ul></ul>
</dialog>`;
}
