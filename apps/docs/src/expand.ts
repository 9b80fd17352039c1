/**
 * Replaces the directives in a page of ours. A directive is a comment on a line of its own:
 *
 * - `<!-- include README.md#why -->`: the section of a document, without its heading
 * - `<!-- code apps/examples/html/index.html -->`: a file as a code block
 * - `<!-- measured relay -->`: a table of the committed results of a benchmark
 * - `<!-- machine relay -->`: where and when they were measured
 * - `<!-- readmes infra/image infra/chart -->`: links to those of these folders that have a README
 */

import { existsSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import GithubSlugger from 'github-slugger';
import { describeMachine, measuredTable } from './measured.ts';
import { type Language, TOP } from './site-map.ts';

/** Markdown, and the document against which its links are resolved. */
export interface Fragment {
  readonly source: string;
  readonly markdown: string;
}

const DIRECTIVE = /^<!-- (include|code|measured|machine|readmes) (.+) -->$/m;

/** @throws {Error} if a directive names what there is not */
export function expand(source: string, language: Language): Fragment[] {
  const parts = readFileSync(join(TOP, source), 'utf8').split(DIRECTIVE);
  const fragments: Fragment[] = [];
  for (let i = 0; i < parts.length; i += 3) {
    fragments.push({ source, markdown: parts[i] ?? '' });
    const [kind, argument] = [parts[i + 1], parts[i + 2]];
    if (kind !== undefined && argument !== undefined) fragments.push(obey(kind, argument, { source, language }));
  }
  return fragments.filter(({ markdown }) => markdown.trim() !== '');
}

function obey(kind: string, argument: string, at: { readonly source: string; readonly language: Language }): Fragment {
  switch (kind) {
    case 'include': {
      const [document = '', anchor = ''] = argument.split('#');
      return { source: document, markdown: sectionOf(document, anchor) };
    }
    case 'code':
      return { source: argument, markdown: codeBlock(argument) };
    case 'measured':
      return { source: at.source, markdown: measuredTable(argument, at.language) };
    case 'machine':
      return { source: at.source, markdown: describeMachine(argument, at.language) };
    default:
      return { source: 'README.md', markdown: listReadmes(argument.split(' ')) };
  }
}

/** Everything below a heading, up to the next one of its level or a higher one. */
function sectionOf(document: string, anchor: string): string {
  const lines = readFileSync(join(TOP, document), 'utf8').split('\n');
  const slugger = new GithubSlugger();
  let isCode = false;
  let level = 0; // of the section; 0 before it
  const section: string[] = [];
  for (const line of lines) {
    if (/^ *```/.test(line)) isCode = !isCode;
    const heading = isCode ? null : /^(#+) (.+)$/.exec(line);
    const [, marks = '', title = ''] = heading ?? [];
    if (heading !== null && level > 0 && marks.length <= level) break;
    if (level > 0) section.push(line);
    else if (heading !== null && slugger.slug(title.replaceAll('`', '')) === anchor) level = marks.length;
  }
  if (level === 0) throw new Error(`expected ${document} to have the section #${anchor}; correct the directive`);
  return section.join('\n');
}

function codeBlock(file: string): string {
  return `\`\`\`\`${extname(file).slice(1)}\n${readFileSync(join(TOP, file), 'utf8').trimEnd()}\n\`\`\`\``;
}

function listReadmes(folders: readonly string[]): string {
  const found = folders.map((folder) => `${folder}/README.md`).filter((file) => existsSync(join(TOP, file)));
  return found.map((file) => `- [${/^# (.+)$/m.exec(readFileSync(join(TOP, file), 'utf8'))?.[1] ?? file}](${file})`).join('\n');
}
