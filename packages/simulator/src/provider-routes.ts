/**
 * The provider's HTTP interface: `/waInstance{id}/{method}/{token}`, with or without `/v3` before
 * it.
 *
 * Calls are refused in the provider's order: first by the outer nginx (path, id), then for the
 * token, then by the rate limit, and only then by the method. A fault replaces the method, so a
 * call that is refused for another reason does not count for a fault.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tooManyRequests } from './faults.ts';
import type { SimulatedInstance } from './instance.ts';
import type { MethodName } from './method-table.ts';
import { isMethodName, METHODS } from './method-table.ts';
import type { MethodCall } from './methods.ts';
import { ANSWERS, INSTANCE_DELETED } from './methods.ts';
import type { Reply } from './reply.ts';
import { badRequest, empty, nginxPage, readBody, sendReply } from './reply.ts';

export interface ProviderDeps {
  readonly findInstance: (idInstance: string) => SimulatedInstance | undefined;
  readonly now: () => number;
  readonly enforceRateLimit: boolean;
}

interface ProviderPath {
  readonly idInstance: string;
  readonly method: string;
  readonly token: string;
  readonly tail: string | null;
  readonly query: string;
}

const PATH = /^(?:\/v3)?\/waInstance([^/?]+)\/([^/?]+)\/([^/?]+)(?:\/([^/?]+))?(?:\?(.*))?$/;

/** Hosts are named after the first four digits of the ids they serve: `3100.api.green-api.com`. */
const SHARD_HOST = /^(\d{4})\.api\./;

/** Whether this is a call of an instance's method. */
export function isProviderPath(url: string): boolean {
  return /^(?:\/v3)?\/waInstance/.test(url);
}

export async function handleProvider(deps: ProviderDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = parsePath(request.url ?? '');
  if (path === null || isForeignHost(request.headers.host, path)) return sendReply(response, nginxPage(404));
  if (request.method === 'OPTIONS') return sendReply(response, empty(204));
  const instance = deps.findInstance(path.idInstance);
  if (instance === undefined) return sendReply(response, nginxPage(403));
  const { method } = path;
  if (!isMethodName(method) || METHODS[method].verb !== request.method) return sendReply(response, nginxPage(404));
  record(instance, method, deps.now(), response);
  const refusal = refusalOf(deps, instance, method, path.token);
  if (refusal !== null) return sendReply(response, refusal);
  const reply = await answer({ deps, instance, method, path, request, response });
  if (reply !== null) sendReply(response, reply);
}

function parsePath(url: string): ProviderPath | null {
  const match = PATH.exec(url);
  if (match === null) return null;
  const [, idInstance = '', method = '', token = '', tail, query = ''] = match;
  return { idInstance, method, token, tail: tail ?? null, query };
}

function isForeignHost(host: string | undefined, path: ProviderPath): boolean {
  const shard = SHARD_HOST.exec(host ?? '')?.[1];
  return shard !== undefined && !path.idInstance.startsWith(shard);
}

function record(instance: SimulatedInstance, method: MethodName, now: number, response: ServerResponse): void {
  const end = instance.log.begin(method, now);
  const endWithStatus = (): void => end(response.headersSent ? response.statusCode : null);
  // `finish` comes before the client can read the answer and call again. If it left or was cut off,
  // only `close` comes.
  response.once('finish', endWithStatus);
  response.once('close', endWithStatus);
}

function refusalOf(deps: ProviderDeps, instance: SimulatedInstance, method: MethodName, token: string): Reply | null {
  if (token !== instance.apiToken) return empty(401);
  if (instance.deletedAt !== null) return INSTANCE_DELETED;
  const isAdmitted = !deps.enforceRateLimit || instance.limiter.admit(method, METHODS[method].perSecond, deps.now());
  return isAdmitted ? null : tooManyRequests();
}

interface AdmittedCall {
  readonly deps: ProviderDeps;
  readonly instance: SimulatedInstance;
  readonly method: MethodName;
  readonly path: ProviderPath;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function answer(call: AdmittedCall): Reply | null | Promise<Reply | null> {
  const planned = call.instance.faultScript.take(call.method);
  if (planned === null) return ordinaryAnswer(call);
  const { fault, settings } = planned;
  const { response } = call;
  return fault.play({ response, settings, signal: goneSignal(response), answer: async () => ordinaryAnswer(call) });
}

async function ordinaryAnswer({ deps, instance, method, path, request, response }: AdmittedCall): Promise<Reply> {
  let body: unknown;
  if (METHODS[method].verb === 'POST') {
    const source = await readBody(request);
    if (source === null) return nginxPage(413);
    const parsed = parseJson(source);
    if (parsed === null) return badRequest('Unexpected token in JSON at position 0');
    body = parsed.value;
  }
  const call: MethodCall = {
    instance,
    query: new URLSearchParams(path.query),
    tail: path.tail,
    body,
    now: deps.now(),
    signal: () => goneSignal(response),
  };
  return ANSWERS[method](call);
}

function parseJson(source: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(source) };
  } catch {
    // Not JSON. The caller answers 400, as the provider does.
    return null;
  }
}

/** Aborted when the response is over, whichever side ended it. Made only for calls that wait. */
function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort();
  response.once('close', () => controller.abort());
  return controller.signal;
}
