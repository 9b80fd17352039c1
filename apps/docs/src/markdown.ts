/**
 * Turns Markdown into the HTML of a page. The result needs neither inline styles nor inline scripts,
 * and its links and pictures are handed to the caller.
 */

import type GithubSlugger from 'github-slugger';
import hljs from 'highlight.js/lib/common';
import MarkdownIt, { type Token } from 'markdown-it';

export interface Heading {
  readonly level: number;
  readonly id: string;
  readonly text: string;
}

interface Picture {
  readonly src: string;
  readonly width: number;
  readonly height: number;
}

/** What a page decides about the parts of its Markdown. */
export interface Surroundings {
  readonly slugger: GithubSlugger;
  readonly headings: Heading[];
  readonly linkTo: (href: string) => string;
  readonly pictureAt: (src: string) => Picture;
}

/** markdown-it hands the same object to each rule. */
interface Environment {
  surroundings?: Surroundings;
}

const NAMES: Readonly<Record<string, string>> = { tsx: 'typescript', vue: 'xml', html: 'xml', sh: 'bash', env: 'bash' };

const markdown = MarkdownIt({ html: true, highlight: highlighted });
const { rules } = markdown.renderer;

rules['table_open'] = () => '<div class="table" tabindex="0"><table>\n';
rules['table_close'] = () => '</table></div>\n';
rules['th_open'] = cellOpen;
rules['td_open'] = cellOpen;
rules['fence'] = (tokens, i) => {
  const { content, info } = tokenAt(tokens, i);
  return `<pre tabindex="0"><code>${highlighted(content, info.trim().split(' ')[0] ?? '')}</code></pre>\n`;
};
rules['heading_open'] = (tokens, i, _options, env) => {
  const { surroundings } = env as Environment;
  const text = plainText(tokenAt(tokens, i + 1));
  const { tag } = tokenAt(tokens, i);
  const id = surroundings?.slugger.slug(text) ?? '';
  surroundings?.headings.push({ level: Number(tag.slice(1)), id, text });
  return `<${tag} id="${id}">`;
};
rules['heading_close'] = (tokens, i, _options, env) => {
  const { tag } = tokenAt(tokens, i);
  const { id = '', text = '' } = (env as Environment).surroundings?.headings.at(-1) ?? {};
  const anchor = tag === 'h1' ? '' : ` <a class="anchor" href="#${id}" aria-label="# ${escaped(text)}">#</a>`;
  return `${anchor}</${tag}>\n`;
};
rules['link_open'] = (tokens, i, options, env, self) => {
  const token = tokenAt(tokens, i);
  token.attrSet('href', surroundingsOf(env).linkTo(String(token.attrGet('href') ?? '')));
  return self.renderToken(tokens, i, options);
};
rules['image'] = (tokens, i, _options, env) => {
  const token = tokenAt(tokens, i);
  const { src, width, height } = surroundingsOf(env).pictureAt(String(token.attrGet('src') ?? ''));
  return `<img src="${src}" width="${width}" height="${height}" alt="${escaped(token.content)}" loading="lazy">`;
};
rules['html_inline'] = htmlWithPictures;
rules['html_block'] = htmlWithPictures;

/** @returns the HTML, and adds to the headings of the surroundings */
export function render(text: string, surroundings: Surroundings): string {
  const env: Environment = { surroundings };
  return markdown.render(text, { ...env });
}

export function highlighted(code: string, name: string): string {
  const language = NAMES[name] ?? name;
  return hljs.getLanguage(language) === undefined ? escaped(code) : hljs.highlight(code, { language }).value;
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** The alignment of a column, as a class: the policy of the site allows no inline style. */
function cellOpen(tokens: Token[], i: number): string {
  const { tag, attrs } = tokenAt(tokens, i);
  return attrs?.some(([, value]) => String(value).includes('right')) ? `<${tag} class="number">` : `<${tag}>`;
}

/** Pictures and links in HTML that is in the Markdown. */
function htmlWithPictures(tokens: Token[], i: number, _options: unknown, env: unknown): string {
  const { linkTo, pictureAt } = surroundingsOf(env);
  return tokenAt(tokens, i)
    .content.replaceAll(/<img src="([^"]+)"/g, (_whole, src: string) => `<img src="${pictureAt(src).src}" loading="lazy"`)
    .replaceAll(/href="([^"]+)"/g, (_whole, href: string) => `href="${linkTo(href)}"`);
}

function surroundingsOf(env: unknown): Surroundings {
  const { surroundings } = env as Environment;
  if (surroundings === undefined) throw new Error('expected the surroundings of a page; call render');
  return surroundings;
}

function tokenAt(tokens: Token[], i: number): Token {
  const token = tokens[i];
  if (token === undefined) throw new Error(`expected a token at ${i}`);
  return token;
}

function plainText({ children }: Token): string {
  return (children ?? []).map(({ content }) => content).join('');
}
