/**
 * Answers a refusal over HTTP: as problem+json, or as a page if the browser of a person asked for
 * one.
 */

import { ERRORS, RefusedError, toProblem } from '@qrcast/core/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isApiPath } from './request-rules.ts';
import { readStrayAddress } from './stray-address.ts';
import { sendWordPage, type WordPage, wantsHtml } from './word-pages.ts';

export const nothingHere = (): RefusedError =>
  new RefusedError('not_found', 'there is nothing at this path and method; /docs lists the calls');

/** Below `/v1` the answer is always problem+json, because only programs call there. */
export function answerRefusal(request: FastifyRequest, reply: FastifyReply, error: RefusedError): FastifyReply {
  const problem = toProblem(error);
  const { url = '' } = request.raw;
  const isForPeople = !isApiPath(url);
  reply.header('cache-control', 'no-store'); // the hook that sets it may not have run yet
  if (problem.retryAfterMs !== undefined) reply.header('retry-after', String(Math.ceil(problem.retryAfterMs / 1000)));
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  if (isForPeople && wantsHtml(request.raw)) return sendWordPage(request, reply, pageFor(error, url), { status: problem.status });
  if (isForPeople) reply.header('vary', 'accept');
  return reply.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

function pageFor({ code }: RefusedError, url: string): WordPage {
  if (ERRORS[code].retryable) return 'busy';
  return readStrayAddress(url).kind === 'damaged' ? 'damaged' : 'nothing';
}
