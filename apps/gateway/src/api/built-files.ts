/** Files that apps/web has built, and pages of them whose own files are found wherever they are served. */

import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyRequest } from 'fastify';
import { pathOf } from '../http/request-rules.ts';
import { createStaticFile, type StaticFile } from '../http/static-file.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** @throws {Error} if the file is not built */
export function readBuiltFile(folder: string, name: string): StaticFile {
  try {
    return createStaticFile(TYPES[extname(name)] ?? 'application/octet-stream', readFileSync(join(folder, name)));
  } catch (error) {
    throw new Error(`a page is not built: ${name} is missing in ${folder}; run \`npx -y pnpm@12 build\``, { cause: error });
  }
}

/** The files of a folder that browsers load, by their names. */
export function readBuiltFolder(folder: string): ReadonlyMap<string, StaticFile> {
  const names = readdirSync(folder).filter((name) => TYPES[extname(name)] !== undefined);
  return new Map(names.map((name) => [name, readBuiltFile(folder, name)]));
}

/** How many slashes beyond the first the address of a page may have. */
const MAX_DEPTH = 3;

/**
 * Returns the page for the address that a request names; undefined if there is none. Its files are
 * named by full path: proxies merge slashes, so the depth that the browser sees is not always ours.
 * Without a public URL only the proxy knows the path that we are served under. The files are then
 * named relative to the page.
 * @param prefix the path of the public URL, percent-encoded; null if none is known
 */
export function readBuiltPage(folder: string, name: string, prefix: string | null): (request: FastifyRequest) => StaticFile | undefined {
  const { type, body } = readBuiltFile(folder, name);
  const below = (root: string): StaticFile =>
    createStaticFile(type, Buffer.from(body.toString().replace(/(?<=\s(?:src|href)=")\/(?!\/)/g, () => root)));
  if (prefix !== null) {
    const page = below(`${prefix.replaceAll('&', '&amp;')}/`);
    return () => page;
  }
  const pages = Array.from({ length: MAX_DEPTH + 1 }, (_, depth) => below('../'.repeat(depth)));
  return (request) => pages[depthOf(request)];
}

/** The depth of the address as the browser sees it. An encoded slash does not separate there. */
function depthOf({ raw }: FastifyRequest): number {
  return pathOf(raw.url).split('/').length - 2;
}
