/**
 * Answers requests that no route takes: people get a page, programs a problem. Also serves the
 * root, which says what this service is.
 */

import type { FastifyInstance } from 'fastify';
import { nothingHere } from '../http/refusal-answer.ts';
import { readStrayAddress } from '../http/stray-address.ts';
import { sendWordPage, takesHtml, wantsHtml } from '../http/word-pages.ts';
import type { SendLoginPage } from './page-routes.ts';

export interface StrayRequestsDeps {
  readonly sendLoginPage: SendLoginPage;
  /** The path of the public URL, percent-encoded; empty at the root of a host. */
  readonly prefix: string;
}

export function addStrayRequests(app: FastifyInstance, { sendLoginPage, prefix }: StrayRequestsDeps): void {
  app.get('/', async (request, reply) => {
    if (!takesHtml(request.raw)) throw nothingHere();
    // If no prefix is known, a proxy may still remove one, so the link is relative.
    return sendWordPage(request, reply, 'home', { status: 200, docsPath: prefix === '' ? 'docs' : `${prefix}/docs` });
  });
  app.setNotFoundHandler(async (request, reply) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const meant = isRead && wantsHtml(request.raw) ? readStrayAddress(request.raw.url ?? '') : null;
    if (meant?.kind !== 'login') throw nothingHere();
    return sendLoginPage(request, reply, meant.sessionId);
  });
}
