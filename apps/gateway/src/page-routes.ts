/** The hosted login page as apps/web built it: small files, read once, served with a strict policy. */

import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing inline, nothing from elsewhere. The picture of the code is a data URL; the stream is on our own origin. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** @throws {Error} if the page is not built. */
export function addPageRoutes(app: FastifyInstance, folder: string): void {
  const page = readPart(folder, 'connect.html');
  app.get('/connect', async (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY).header('x-frame-options', 'DENY').send(page),
  );
  for (const name of readdirSync(join(folder, 'assets'))) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = readPart(folder, join('assets', name));
    // Named by their content: a name never changes its bytes.
    app.get(`/connect/assets/${name}`, async (_request, reply) =>
      reply.type(type).header('cache-control', 'public, max-age=31536000, immutable').send(body),
    );
  }
}

function readPart(folder: string, name: string): Buffer {
  try {
    return readFileSync(join(folder, name));
  } catch (error) {
    throw new Error('the login page is not built; run `npx -y pnpm@12 build`', { cause: error });
  }
}
