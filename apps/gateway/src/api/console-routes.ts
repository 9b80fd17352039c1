/**
 * Serves the console, as apps/web built it. Whoever has the page has nothing: it holds no data, and asks
 * for a key. Its policy is stricter than that of the login page, because a key can do more than a
 * ticket.
 */

import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { nothingHere } from '../http/refusal-answer.ts';
import { sendStaticFile } from '../http/static-file.ts';
import { readBuiltFolder, readBuiltPage } from './built-files.ts';

/** Own scripts, styles, icon and calls alone. No script may parse markup, and no page may frame this one. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');
/** Every gateway of a rollout has files of these names. Browsers ask each time. */
const ASK_EACH_TIME = 'no-cache';

/**
 * @param prefix the path of the public URL, percent-encoded; null if none is known
 * @throws {Error} if the page is not built
 */
export function addConsoleRoutes(app: FastifyInstance, folder: string, prefix: string | null): void {
  const pageFor = readBuiltPage(folder, 'console.html', prefix);
  for (const path of ['/console', '/console/']) {
    app.get(path, async (request, reply) => {
      const page = pageFor(request);
      if (page === undefined) throw nothingHere();
      return reply.header('cache-control', 'no-store').header('content-security-policy', POLICY).type(page.type).send(page.body);
    });
  }
  for (const [name, file] of readBuiltFolder(join(folder, 'console', 'assets'))) {
    app.get(`/console/assets/${name}`, async (request, reply) => sendStaticFile(request, reply, file, ASK_EACH_TIME));
  }
}
