/**
 * The control API under `/control`: JSON over HTTP, for people with curl and for tests in other
 * processes. It has no password, so the simulator listens on the loopback address by default.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CONTROL_HELP } from './control-help.ts';
import type { BodySchema } from './control-schema.ts';
import * as schemas from './control-schema.ts';
import type { SimulatorErrorCode } from './errors.ts';
import { SimulatorError } from './errors.ts';
import { FAULT_NAMES, FAULTS } from './faults.ts';
import type { Instance, Notice } from './instance.ts';
import { isMethodName, METHOD_NAMES } from './method-table.ts';
import type { CreateOptions } from './registry.ts';
import type { Reply } from './reply.ts';
import { json, readBody, sendReply, text } from './reply.ts';

export interface ControlDeps {
  createInstance(options: CreateOptions): Instance;
  instance(idInstance: string): Instance;
  instances(): readonly Instance[];
}

interface ControlCall {
  readonly deps: ControlDeps;
  readonly idInstance: string;
  readonly query: URLSearchParams;
  readonly source: string;
}

interface Route {
  readonly verb: string;
  /** `:id` is the id of an instance. */
  readonly path: string;
  readonly handle: (call: ControlCall) => Reply;
}

const ROUTES: readonly Route[] = [
  { verb: 'GET', path: '/control', handle: () => text(CONTROL_HELP) },
  { verb: 'GET', path: '/control/faults', handle: () => json(FAULT_NAMES.map((name) => ({ name, summary: FAULTS[name].summary }))) },
  { verb: 'GET', path: '/control/instances', handle: ({ deps }) => json(deps.instances().map(view)) },
  { verb: 'POST', path: '/control/instances', handle: handleCreate },
  { verb: 'GET', path: '/control/instances/:id', handle: ({ deps, idInstance }) => json(view(deps.instance(idInstance))) },
  change('/scan', schemas.scanBody, (instance, { link }) => instance.scan(link)),
  change('/scan-with-password', schemas.scanWithPasswordBody, (instance, { password }) => instance.scanWithPassword(password)),
  change('/state', schemas.stateBody, (instance, { state }) => instance.setState(state)),
  change('/faults', schemas.faultBody, (instance, { method, fault, ...options }) => instance.fail(method, fault, defined(options))),
  { verb: 'DELETE', path: '/control/instances/:id/faults', handle: handleClearFaults },
  change('/webhook', schemas.webhookBody, changeWebhook),
  change('/notify', schemas.noticeBody, (instance, notice) => instance.notify(toNotice(notice))),
  { verb: 'GET', path: '/control/instances/:id/requests', handle: handleRequests },
];

const STATUS_OF_ERROR: Readonly<Record<SimulatorErrorCode, number>> = {
  invalid_option: 400,
  unknown_fault: 400,
  unknown_instance: 404,
  duplicate_instance: 409,
  no_code: 409,
  closed: 503,
};

export function isControlPath(url: string): boolean {
  return /^\/control(?:[/?]|$)/.test(url);
}

export async function handleControl(deps: ControlDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (!isFromThisMachine(request))
    return sendReply(response, failure(403, 'the control API is for programs on this machine, not for web pages'));
  const source = await readBody(request);
  if (source === null) return sendReply(response, failure(413, 'the body is too long; send at most 64 KiB'));
  sendReply(response, answer(deps, request, source));
}

/**
 * Keeps web pages out, because the API has no password: neither a cross-origin request nor another
 * host name may reach it.
 */
function isFromThisMachine({ headers }: IncomingMessage): boolean {
  return headers.origin === undefined && /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/.test(headers.host ?? '');
}

function answer(deps: ControlDeps, request: IncomingMessage, source: string): Reply {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const [, idInstance = ''] = /^\/control\/instances\/([^/]+)/.exec(path) ?? [];
  const pattern = idInstance === '' ? path : path.replace(idInstance, ':id');
  const atPath = ROUTES.filter((route) => route.path === pattern.replace(/\/$/, ''));
  const route = atPath.find(({ verb }) => verb === request.method);
  if (route === undefined) return noRoute(atPath);
  try {
    return route.handle({ deps, idInstance, query: new URLSearchParams(query), source });
  } catch (error) {
    if (error instanceof SimulatorError) return failure(STATUS_OF_ERROR[error.code], error.message);
    throw error;
  }
}

function noRoute(atPath: readonly Route[]): Reply {
  if (atPath.length === 0) return failure(404, 'no such path; GET /control lists them');
  return failure(405, `this path takes ${atPath.map(({ verb }) => verb).join(', ')}`);
}

function failure(status: number, message: string): Reply {
  return json({ error: message }, status);
}

/** A POST that changes an instance and answers its new state. */
function change<Body>(tail: string, schema: BodySchema<Body>, apply: (instance: Instance, body: Body) => void): Route {
  const handle = ({ deps, idInstance, source }: ControlCall): Reply => {
    const instance = deps.instance(idInstance);
    const parsed = schemas.parseBody(schema, source);
    if (!parsed.ok) return failure(400, parsed.message);
    apply(instance, parsed.body);
    return json(view(instance));
  };
  return { verb: 'POST', path: `/control/instances/:id${tail}`, handle };
}

function handleCreate({ deps, source }: ControlCall): Reply {
  const parsed = schemas.parseBody(schemas.createBody, source);
  if (!parsed.ok) return failure(400, parsed.message);
  const { webhook, ...rest } = parsed.body;
  const { url, ...header } = webhook ?? {};
  const options = { ...defined(rest), ...(url === undefined ? {} : { webhook: { url, ...defined(header) } }) };
  return json(view(deps.createInstance(options)), 201);
}

function handleClearFaults({ deps, idInstance }: ControlCall): Reply {
  const instance = deps.instance(idInstance);
  instance.clearFaults();
  return json(view(instance));
}

function handleRequests({ deps, idInstance, query }: ControlCall): Reply {
  const { requests } = deps.instance(idInstance);
  const method = query.get('method');
  if (method === null) return json(requests);
  if (!isMethodName(method)) return failure(400, `there is no method with that name; the methods are ${METHOD_NAMES.join(', ')}`);
  return json(requests.filter((record) => record.method === method));
}

type WebhookBody = ReturnType<typeof schemas.webhookBody.parse>;
type NoticeBody = ReturnType<typeof schemas.noticeBody.parse>;

function changeWebhook(instance: Instance, { url, lose, duplicate, delayMs, ...header }: WebhookBody): void {
  const isHeaderAlone = typeof url !== 'string' && Object.values(header).some((value) => value !== undefined);
  if (isHeaderAlone) throw new SimulatorError('invalid_option', 'token and scheme need a url; send it with them');
  if (url !== undefined) instance.setWebhook(url === null ? null : { url, ...defined(header) });
  if (lose !== undefined) instance.loseWebhooks(lose);
  if (duplicate !== undefined) instance.duplicateWebhooks(duplicate);
  if (delayMs !== undefined) instance.delayWebhooks(delayMs);
}

function toNotice({ state, sameSecondPair, ...options }: NoticeBody): Notice {
  if (sameSecondPair !== undefined) return { sameSecondPair, ...defined(options) };
  return { state: state ?? '', ...defined(options) };
}

/** Leaves out the webhook's address and token, which are secrets of the caller who set them. */
function view(instance: Instance): Readonly<Record<string, unknown>> {
  const { idInstance, apiToken, phone, faults } = instance;
  return { idInstance, apiToken, phone, state: instance.state(), code: instance.code(), faults };
}

/**
 * Removes undefined fields, because `exactOptionalPropertyTypes` treats a missing option and an
 * undefined one differently.
 */
function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]: Exclude<Fields[Name], undefined> } {
  // Object.fromEntries loses the names. None was added, and only undefined ones were removed.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]: Exclude<Fields[Name], undefined>;
  };
}
