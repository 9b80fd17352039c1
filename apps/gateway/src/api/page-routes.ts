/**
 * The hosted login page, the element it is made of and the client library, as apps/web built them: few small files, read once, the page under
 * a strict policy.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerRefusal, nothingHere } from '../http/refusal-answer.ts';
import { pathOf } from '../http/request-rules.ts';
import { createStaticFile, type StaticFile, sendStaticFile } from '../http/static-file.ts';
import type { FramersOf } from './framers.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};

/**
 * Nothing inline, nothing from elsewhere. A code that cannot be drawn is a picture in a data URL; the stream is on our own origin, and
 * `'self'` covers its WebSocket (Safari before 16 thinks otherwise, and gets Server-Sent Events). No markup is parsed by script. `lit-html` is
 * for the element of an older gateway, which this page may get during a rollout.
 */
const pagePolicy = (framers: readonly string[]): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${framers.length === 0 ? "'none'" : framers.join(' ')}`,
    "require-trusted-types-for 'script'",
    'trusted-types lit-html',
  ].join('; ');

/** The page that opened a login in a window of its own must be able to see whether it is closed, and be told the result. */
const OPENER_POLICY = { 'cross-origin-opener-policy': 'unsafe-none' } as const;
/** A frame with `sandbox` has no origin, so to a browser our own files are another site's. They hold no secret. */
const FOR_EVERY_ORIGIN = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' } as const;
/** What is none, may be a path that went astray. */
const SESSION_ID = /^ses_[A-Za-z0-9_-]+$/;
/** Their names carry no version, so that any gateway of a rollout has them all: browsers ask each time, and mostly hear 304. */
const ASK_EACH_TIME = 'no-cache';
/** What pages of others load, at each visit; a new version is everywhere after `PUBLIC_CACHE`. */
const PUBLIC_SCRIPTS = ['element.js', 'client.js'] as const;
const PUBLIC_CACHE = 'public, max-age=300';

/** @param sessionId whose tenant says who may frame the page; null: nobody may */
export type SendLoginPage = (request: FastifyRequest, reply: FastifyReply, sessionId: string | null) => Promise<FastifyReply>;

/**
 * @param prefix the path of the public URL, percent-encoded; null where none is known
 * @returns what sends the page at whatever address
 * @throws {Error} if the page or one of the scripts is not built
 */
export function addPageRoutes(app: FastifyInstance, folder: string, framersOf: FramersOf, prefix: string | null): SendLoginPage {
  const pageAt = readPages(folder, prefix);
  const sendLoginPage: SendLoginPage = async (request, reply, sessionId) => {
    const page = pageAt(depthOf(request));
    if (page === undefined) return answerRefusal(request, reply, nothingHere());
    const framers = sessionId === null ? [] : await framersOf(sessionId);
    reply.headers(OPENER_POLICY).header('content-security-policy', pagePolicy(framers));
    if (framers.length > 0) reply.raw.removeHeader('x-frame-options'); // it can name no origins, and would forbid all
    return sendStaticFile(request, reply, page, ASK_EACH_TIME);
  };
  app.get('/connect', async (request, reply) => sendLoginPage(request, reply, null));
  // The same page for a frame. Whose it is has to be known before the fragment, which never comes here: so the address names the session.
  app.get<{ Params: { id: string } }>('/connect/:id', async (request, reply) => {
    const { id } = request.params;
    if (!SESSION_ID.test(id)) return reply.callNotFound();
    return sendLoginPage(request, reply, id);
  });
  // Whom the page may tell the result. It says no more than the policy of the page itself.
  app.get<{ Params: { id: string } }>('/connect/:id/origins', async (request, reply) => {
    const { id } = request.params;
    if (!SESSION_ID.test(id)) return reply.callNotFound();
    return reply
      .headers(FOR_EVERY_ORIGIN)
      .header('cache-control', 'no-store')
      .send({ origins: await framersOf(id) });
  });
  for (const name of PUBLIC_SCRIPTS) {
    const script = readPart(folder, name);
    app.get(`/${name}`, async (request, reply) => sendStaticFile(request, reply.headers(FOR_EVERY_ORIGIN), script, PUBLIC_CACHE));
  }
  for (const name of readdirSync(join(folder, 'assets'))) {
    if (TYPES[extname(name)] === undefined) continue;
    const asset = readPart(folder, join('assets', name));
    app.get(`/connect/assets/${name}`, async (request, reply) =>
      sendStaticFile(request, reply.headers(FOR_EVERY_ORIGIN), asset, ASK_EACH_TIME),
    );
  }
  return sendLoginPage;
}

/** So many slashes beyond the first may an address of the page have. */
const MAX_DEPTH = 3;

/**
 * The page for each depth of its address; undefined where it has none. Its files are named in full: proxies merge slashes, so the depth that the
 * browser sees is not always ours. Without a public URL only the proxy knows under which path we are served, and they are named relative to the page.
 */
function readPages(folder: string, prefix: string | null): (depth: number) => StaticFile | undefined {
  const { type, body } = readPart(folder, 'connect.html');
  const below = (root: string): StaticFile =>
    createStaticFile(type, Buffer.from(body.toString().replace(/(?<=\s(?:src|href)=")\/(?!\/)/g, () => root)));
  if (prefix !== null) {
    const page = below(`${prefix.replaceAll('&', '&amp;')}/`);
    return () => page;
  }
  const pages = Array.from({ length: MAX_DEPTH + 1 }, (_, depth) => below('../'.repeat(depth)));
  return (depth) => pages[depth];
}

/** Of the address as the browser sees it; a slash that is encoded separates nothing there. */
function depthOf({ raw }: FastifyRequest): number {
  return pathOf(raw.url).split('/').length - 2;
}

function readPart(folder: string, name: string): StaticFile {
  try {
    return createStaticFile(TYPES[extname(name)] ?? 'application/octet-stream', readFileSync(join(folder, name)));
  } catch (error) {
    throw new Error(`the login page is not built: ${name} is missing in ${folder}; run \`npx -y pnpm@12 build\``, { cause: error });
  }
}
