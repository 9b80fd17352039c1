/** Makes the content of a page, before anything is around it. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path/posix';
import GithubSlugger from 'github-slugger';
import { expand } from './expand.ts';
import { type Framed, hrefFrom } from './layout.ts';
import { type Asked, linkTo, pictureAt } from './links.ts';
import { escaped, type Heading, highlighted, render } from './markdown.ts';
import { fileOf, isFolder, type Page, pageFile, TOP } from './site-map.ts';

export function renderPage({ language, id, source, isForeign }: Page, asked: Asked): Framed {
  const file = pageFile(language, id);
  const headings: Heading[] = [];
  const slugger = new GithubSlugger();
  const fragments = expand(source, language);
  const content = fragments.map((fragment) => {
    const from = { language, file, source: fragment.source };
    return render(fragment.markdown, {
      slugger,
      headings,
      linkTo: (href) => linkTo(href, from, asked),
      pictureAt: (src) => pictureAt(src, from, asked),
    });
  });
  const title = headings[0]?.text ?? id;
  const sources = [...new Set(fragments.map((fragment) => fragment.source))];
  return { language, file, id, title, content: content.join('\n'), headings, isForeign, sources };
}

/** A file of the repository as a page, or the list of a folder. Adds what a folder lists to `asked`. */
export function renderFile(path: string, asked: Asked): Framed {
  const file = fileOf(path);
  const heading = `<h1 id="file"><code>${path}</code></h1>`;
  const content = isFolder(path) ? listing(path, file, asked) : source(path);
  return { language: 'en', file, id: null, title: basename(path), content: heading + content, headings: [], isForeign: false, sources: [] };
}

function source(path: string): string {
  const text = readFileSync(join(TOP, path), 'utf8');
  return `<pre tabindex="0"><code>${highlighted(text, extname(path).slice(1))}</code></pre>`;
}

const HIDDEN = /^(?:\..*|node_modules|dist)$/;

function listing(path: string, file: string, asked: Asked): string {
  const names = readdirSync(join(TOP, path)).filter((name) => !HIDDEN.test(name));
  for (const name of names) asked.files.add(join(path, name));
  return `<ul>${names.map((name) => `<li><a href="${hrefFrom(file, fileOf(join(path, name)))}">${escaped(name)}</a></li>`).join('\n')}</ul>`;
}
