/**
 * The HTTP server that carries all routes. It sets limits of size and time, decides which pages may
 * call, answers every fault as problem+json, and logs nothing secret.
 */

import type { IncomingMessage, Server } from 'node:http';
import { fastifyCors } from '@fastify/cors';
import { RefusedError } from '@qrcast/core/errors';
import type { Logger } from '@qrcast/runtime/log';
import type { Meters } from '@qrcast/runtime/metrics/meters';
import { type FastifyHttpOptions, type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { isApiKey } from './bearer.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { PAGES_MAY_CALL } from './cross-origin.ts';
import { addJsonParser } from './json-body.ts';
import type { RefuseMiss } from './notification-misses.ts';
import { answerRefusal, nothingHere } from './refusal-answer.ts';
import { BODY_LIMIT_BYTES, countRefusal, refusalOf } from './refusals.ts';
import { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';
import { pathOf, requireSoundRequest } from './request-rules.ts';
import { type AnswerHeaders, answerWith } from './security-headers.ts';

/** A client that has not sent its whole request by then is cut. */
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_TIMEOUT_MS = 10_000;
/**
 * Short, because each check cuts all late connections in one go. Thousands at once would make every
 * other caller wait.
 */
const TIMEOUT_CHECK_MS = 500;
/**
 * Longer than a load balancer's usual 60 s, so that it never reuses a connection that we are
 * closing.
 */
const KEEP_ALIVE_MS = 65_000;

export interface HttpServerDeps {
  readonly log: Logger;
  readonly meters: Meters;
  readonly isDraining: () => boolean;
  /**
   * True for requests that a stream takes over. All others are answered as HTTP, whatever `Upgrade`
   * they offer: Java's client offers h2c with its first request on every connection.
   */
  readonly isUpgrade: (request: IncomingMessage) => boolean;
  readonly headers: AnswerHeaders;
  readonly refuseMiss: RefuseMiss;
}

export async function createHttpServer(deps: HttpServerDeps): Promise<FastifyInstance> {
  const app = fastify(serverOptions(deps));
  // First of all, so that each answer has it, also that of an event stream.
  app.addHook('onRequest', async (request, reply) => void reply.header(REQUEST_ID_HEADER, request.id));
  // Before CORS, because the `OPTIONS` route of that plugin keeps the error handler that is set
  // when it is registered.
  app.setErrorHandler((error, request, reply) =>
    answerRefusal(request, reply, refusalOf(error, deps, request.routeOptions.url, request.routeOptions.bodyLimit)),
  );
  await addCors(app);
  addRequestChecks(app, deps);
  addAnswerHooks(app, deps);
  measureRequests(app, deps.meters);
  addJsonParser(app);
  return app;
}

function serverOptions({ isUpgrade, headers, refuseMiss, meters }: HttpServerDeps): FastifyHttpOptions<Server> {
  return {
    logger: false, // the request log of Fastify would hold URLs and headers
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: ({ headers: given }) => requestIdOf(given),
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Node checks both timeouts at this interval, and swaps them if the one for headers is longer.
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      shouldUpgradeCallback: isUpgrade,
      ServerResponse: answerWith(headers),
    },
    // A notification must not be refused because of a name in it.
    onProtoPoisoning: 'remove',
    onConstructorPoisoning: 'remove',
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    clientErrorHandler(error, socket) {
      const refusal = answerBrokenRequest(error, socket, headers);
      if (refusal !== null) countRefusal({ meters }, refusal);
    },
    // Paths that the router rejects by itself. Its own answer would repeat the path.
    frameworkErrors: (error, request, reply) => {
      const isTooLong = error.code === 'FST_ERR_MAX_PARAM_LENGTH';
      const refusal =
        refuseMiss(request.raw) ?? (isTooLong ? nothingHere() : new RefusedError('invalid_request', 'expected a valid URL path'));
      countRefusal({ meters }, refusal);
      void answerRefusal(request, reply.header(REQUEST_ID_HEADER, request.id), refusal);
    },
  };
}

/**
 * Must come before all other hooks, so that a page can read why it is refused. A call with an API
 * key gets no CORS headers: a key that is in a page is known to everybody.
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
    // Notifications are still accepted while draining. The provider would delay everything after a
    // refused one by a minute.
    const isRefused = routeOptions.url?.startsWith('/v1/') === true && !routeOptions.url.startsWith('/v1/webhooks/');
    if (isRefused && isDraining()) throw new RefusedError('unavailable', 'this gateway is stopping; try again', { retryAfterMs: 1_000 });
  });
}

function addAnswerHooks(app: FastifyInstance, { log, isDraining }: HttpServerDeps): void {
  app.addHook('onSend', async (_request, reply) => {
    if (isDraining()) reply.header('connection', 'close'); // so that the next request goes to another gateway
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
  app.addHook('onResponse', async (request, reply) => {
    // Logs the route's pattern and not the URL, because paths and queries hold what the caller put
    // there.
    log.debug(
      {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
  });
}

const STREAM_ROUTE = /\/(?:events|overview)$/;

/** Streams are left out: they last as long as somebody looks. */
function measureRequests(app: FastifyInstance, meters: Meters): void {
  app.addHook('onResponse', async ({ method, routeOptions: { url: route = 'none' } }, reply) => {
    if (reply.statusCode === 200 && STREAM_ROUTE.test(route)) return;
    meters.histogram('qrcast_http_request_seconds', { route, method, status: String(reply.statusCode) }).observe(reply.elapsedTime / 1_000);
  });
}

/**
 * Whether pages on other origins may call this URL. Not if the router would have to decode the path
 * first: it could decode to another path. Not if a proxy could read it as a path of the operator,
 * in whatever spelling.
 */
function isForPages(url: string): boolean {
  return /^\/v1\/(?!admin\b|webhooks\b)[^%?./\\][^%?\\]*(\?|$)/i.test(url) && !/\/\.?\.?\//.test(pathOf(url));
}

/**
 * Call before an answer is held back. A request that was pipelined behind one not answered yet has
 * no connection of its own, so we would not learn that its caller has gone.
 * @throws {RefusedError} `invalid_request`.
 */
export function requireConnection(reply: FastifyReply): void {
  if (reply.raw.socket !== null) return;
  throw new RefusedError(
    'invalid_request',
    'expected a connection without an unanswered request before this one; send it on another connection',
  );
}
