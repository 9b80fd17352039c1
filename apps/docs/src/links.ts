/** Where a link or picture of a document leads in the site. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { hrefFrom } from './layout.ts';
import { documentAt, fileOf, idOfDocument, type Language, pageFile, TOP } from './site-map.ts';

/** What pages ask for besides other pages. The site must have it at its end. */
export interface Asked {
  /** Files and folders of the repository. */
  readonly files: Set<string>;
  readonly pictures: Set<string>;
}

interface From {
  readonly language: Language;
  /** The page in the built site. */
  readonly file: string;
  /** The document that has the link. */
  readonly source: string;
}

/** A path in a document: below its folder, or, with a slash, below the top of the repository. */
function pathIn(source: string, path: string): string {
  const decoded = decodeURIComponent(path);
  return normalize(decoded.startsWith('/') ? decoded.slice(1) : join(dirname(source), decoded)).replace(/^\.$|\/$/, '');
}

/** @throws {Error} if the repository has no such file */
export function linkTo(href: string, { language, file, source }: From, asked: Asked): string {
  if (/^(?:[a-z]+:|#)/.test(href)) return href;
  const [path = '', anchor] = href.split('#');
  const target = pathIn(source, path);
  if (!existsSync(join(TOP, target))) throw new Error(`${source} links to ${href}, which the repository does not have`);
  const document = documentAt(target);
  const end = anchor === undefined ? '' : `#${anchor}`;
  if (document !== null) return `${hrefFrom(file, pageFile(language, idOfDocument(document)))}${end}`;
  asked.files.add(target);
  return hrefFrom(file, fileOf(target));
}

export function pictureAt(src: string, { file, source }: From, asked: Asked): { src: string; width: number; height: number } {
  const target = pathIn(source, src);
  const bytes = readFileSync(join(TOP, target));
  asked.pictures.add(target);
  // The head of a PNG: width and height are after its signature and the name of its first chunk.
  return { src: hrefFrom(file, pictureFile(target)), width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

export function pictureFile(path: string): string {
  return `assets/pictures/${path}`;
}
