/**
 * Serves the hosted login page, the element it is made of, and the client library, as apps/web
 * built them. They are few small files, read once. The page has a strict policy.
 */

import { join } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { nothingHere } from '../http/refusal-answer.ts';
import { sendStaticFile } from '../http/static-file.ts';
import { readBuiltFile, readBuiltFolder, readBuiltPage } from './built-files.ts';
import type { FramersOf } from './framers.ts';

/**
 * The content security policy of the page: nothing inline, nothing from elsewhere. A code that
 * cannot be drawn is a picture in a data URL. The stream is on our own origin, and `'self'` covers
 * its WebSocket (not in Safari before 16, which uses Server-Sent Events). No script parses markup.
 * `lit-html` is for the element of an older gateway, which this page may load during a rollout.
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

/**
 * A page that opened the login in a window must be able to see whether it is closed, and receive
 * the result.
 */
const OPENER_POLICY = { 'cross-origin-opener-policy': 'unsafe-none' } as const;
/**
 * A frame with `sandbox` has no origin, so browsers treat our own files as those of another site.
 * They hold no secret.
 */
const FOR_EVERY_ORIGIN = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' } as const;
/** Anything else may be a damaged path. */
const SESSION_ID = /^ses_[A-Za-z0-9_-]+$/;
/**
 * The names of the files carry no version, so that every gateway of a rollout has all of them.
 * Browsers ask each time, and mostly get 304.
 */
const ASK_EACH_TIME = 'no-cache';
/**
 * Scripts that pages of others load at each visit. A new version is everywhere once `PUBLIC_CACHE`
 * is over.
 */
const PUBLIC_SCRIPTS = ['element.js', 'client.js'] as const;
const PUBLIC_CACHE = 'public, max-age=300';

/** @param sessionId the session whose tenant says who may frame the page; null: nobody may */
export type SendLoginPage = (request: FastifyRequest, reply: FastifyReply, sessionId: string | null) => Promise<FastifyReply>;

/**
 * @param prefix the path of the public URL, percent-encoded; null if none is known
 * @returns a function that sends the page at any address
 * @throws {Error} if the page or one of the scripts is not built
 */
export function addPageRoutes(app: FastifyInstance, folder: string, framersOf: FramersOf, prefix: string | null): SendLoginPage {
  const pageFor = readBuiltPage(folder, 'connect.html', prefix);
  const sendLoginPage: SendLoginPage = async (request, reply, sessionId) => {
    const page = pageFor(request);
    if (page === undefined) throw nothingHere();
    const framers = sessionId === null ? [] : await framersOf(sessionId);
    reply.headers(OPENER_POLICY).header('content-security-policy', pagePolicy(framers));
    // This header cannot name origins, and would forbid all framing.
    if (framers.length > 0) reply.raw.removeHeader('x-frame-options');
    return sendStaticFile(request, reply, page, ASK_EACH_TIME);
  };
  app.get('/connect', async (request, reply) => sendLoginPage(request, reply, null));
  // The same page for a frame. The headers depend on the session, and the fragment is never sent to
  // us. Therefore the address names the session.
  app.get<{ Params: { id: string } }>('/connect/:id', async (request, reply) => {
    const { id } = request.params;
    if (!SESSION_ID.test(id)) return reply.callNotFound();
    return sendLoginPage(request, reply, id);
  });
  // Which origins the page may send the result to. The policy of the page says the same.
  app.get<{ Params: { id: string } }>('/connect/:id/origins', async (request, reply) => {
    const { id } = request.params;
    if (!SESSION_ID.test(id)) return reply.callNotFound();
    return reply
      .headers(FOR_EVERY_ORIGIN)
      .header('cache-control', 'no-store')
      .send({ origins: await framersOf(id) });
  });
  addFiles(app, folder);
  return sendLoginPage;
}

/** The scripts for pages of others, and the files of the page itself. */
function addFiles(app: FastifyInstance, folder: string): void {
  for (const name of PUBLIC_SCRIPTS) {
    const script = readBuiltFile(folder, name);
    app.get(`/${name}`, async (request, reply) => sendStaticFile(request, reply.headers(FOR_EVERY_ORIGIN), script, PUBLIC_CACHE));
  }
  for (const [name, asset] of readBuiltFolder(join(folder, 'assets'))) {
    app.get(`/connect/assets/${name}`, async (request, reply) =>
      sendStaticFile(request, reply.headers(FOR_EVERY_ORIGIN), asset, ASK_EACH_TIME),
    );
  }
}
