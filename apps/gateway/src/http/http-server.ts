/** The HTTP server every route hangs on: limits, which pages may call it, problem+json for every fault, and nothing secret in a log. */

import type { IncomingMessage, Server } from 'node:http';
import { fastifyCors } from '@fastify/cors';
import { RefusedError } from '@qrcast/core/errors';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import { type FastifyHttpOptions, type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { isApiKey } from './bearer.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { PAGES_MAY_CALL } from './cross-origin.ts';
import { addJsonParser } from './json-body.ts';
import type { RefuseMiss } from './notification-misses.ts';
import { answerRefusal, nothingHere } from './refusal-answer.ts';
import { pathOf, requireSoundRequest } from './request-rules.ts';
import { type AnswerHeaders, answerWith } from './security-headers.ts';

const BODY_LIMIT_BYTES = 64 * 1024;
/** A client that sends its request more slowly than this is cut. */
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_TIMEOUT_MS = 10_000;
/** Often: thousands that are late together would be cut in one go, and everybody else wait for that. */
const TIMEOUT_CHECK_MS = 500;
/** Above a load balancer's usual 60 s, so that it never reuses a connection we are closing. */
const KEEP_ALIVE_MS = 65_000;

export interface HttpServerDeps {
  readonly log: Logger;
  readonly isDraining: () => boolean;
  /**
   * Requests that some stream takes over. All others are answered as HTTP, whatever `Upgrade` they offer: Java's client offers h2c with every
   * first request.
   */
  readonly isUpgrade: (request: IncomingMessage) => boolean;
  readonly headers: AnswerHeaders;
  readonly refuseMiss: RefuseMiss;
}

export async function createHttpServer(deps: HttpServerDeps): Promise<FastifyInstance> {
  const app = fastify(serverOptions(deps));
  // Before CORS: its own route answers `OPTIONS`, and knows only the handler that was there before.
  app.setErrorHandler((error, request, reply) =>
    answerRefusal(request, reply, refusalOf(error, deps.log, request.routeOptions.url, request.routeOptions.bodyLimit)),
  );
  await addCors(app);
  addRequestChecks(app, deps);
  addAnswerHooks(app, deps.log);
  addJsonParser(app);
  return app;
}

function serverOptions({ isUpgrade, headers, refuseMiss }: HttpServerDeps): FastifyHttpOptions<Server> {
  return {
    logger: false, // its request log holds URLs and headers
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Node looks at both only now and then, and swaps them if the header's is the longer.
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      shouldUpgradeCallback: isUpgrade,
      ServerResponse: answerWith(headers),
    },
    // A provider's notification must not be refused for a name in it.
    onProtoPoisoning: 'remove',
    onConstructorPoisoning: 'remove',
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket, headers),
    // Paths the router itself gives up on; its own answer would repeat them.
    frameworkErrors: (error, request, reply) => {
      const isTooLong = error.code === 'FST_ERR_MAX_PARAM_LENGTH';
      const refusal =
        refuseMiss(request.raw) ?? (isTooLong ? nothingHere() : new RefusedError('invalid_request', 'the path is not a valid URL path'));
      void answerRefusal(request, reply, refusal);
    },
  };
}

/**
 * Before all other hooks, so that a page can read why it is refused. What an API key is answered no page can read: a key in a page is
 * everybody's.
 */
async function addCors(app: FastifyInstance): Promise<void> {
  await app.register(fastifyCors, {
    delegator: ({ url, headers: { authorization } }, decide) =>
      decide(null, isForPages(url) && !isApiKey(authorization) ? PAGES_MAY_CALL : { origin: false }),
  });
}

function addRequestChecks(app: FastifyInstance, { refuseMiss, isDraining }: HttpServerDeps): void {
  app.addHook('onRequest', async ({ raw }) => {
    const refusal = refuseMiss(raw);
    if (refusal !== null) throw refusal;
    requireSoundRequest(raw);
  });
  app.addHook('onRequest', async ({ routeOptions }) => {
    // Notifications are still taken: the provider would hold back all that follows for a minute.
    const isRefused = routeOptions.url?.startsWith('/v1/') === true && !routeOptions.url.startsWith('/v1/webhooks/');
    if (isRefused && isDraining()) throw new RefusedError('unavailable', 'this gateway is stopping; try again', { retryAfterMs: 1_000 });
  });
}

function addAnswerHooks(app: FastifyInstance, log: Logger): void {
  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
  app.addHook('onResponse', async (request, reply) => {
    // The route's pattern, not the URL: what a caller puts into a path or query is not ours to log.
    log.debug(
      { method: request.method, route: request.routeOptions.url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    );
  });
}

/**
 * A path that the router would have to decode first is none of ours: what it decodes to could be another one. Nor is one that a proxy might
 * take for the operator's, however it is written.
 */
function isForPages(url: string): boolean {
  return /^\/v1\/(?!admin\b|webhooks\b)[^%?./\\][^%?\\]*(\?|$)/i.test(url) && !/\/\.?\.?\//.test(pathOf(url));
}

/**
 * For an answer that is held: a request that was sent before the one ahead of it was answered has no connection yet, and would not be told
 * when its caller goes. @throws {RefusedError} `invalid_request`.
 */
export function requireConnection(reply: FastifyReply): void {
  if (reply.raw.socket !== null) return;
  throw new RefusedError('invalid_request', 'expected a connection on which nothing else is to be answered first; use another one');
}

/** Any error as a refusal. What is no refusal is a fault of ours or of Redis: logged, and told without its text. */
export function refusalOf(error: unknown, log: Logger, where: string | undefined, bodyLimit = BODY_LIMIT_BYTES): RefusedError {
  if (error instanceof RefusedError) return error;
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new RefusedError('body_too_large', `expected a body of at most ${bodyLimit} bytes`);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new RefusedError('invalid_request', 'expected the header Content-Type: application/json');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new RefusedError('invalid_request', 'the body could not be read; expected one JSON object in UTF-8');
  }
  log.error({ where, ...errorFields(error) }, 'a request failed');
  return new RefusedError('unavailable', 'the service cannot answer now; try again', { retryAfterMs: 1_000 });
}
