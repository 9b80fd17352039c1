/**
 * For tests: a gateway on a free port over the test Redis, with a tenant and a way to call it. A
 * node in the same namespace acts as the worker.
 */

import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_POLICY, type Policy } from '@qrcast/core/schedule';
import type { Session } from '@qrcast/core/session';
import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import type { WireSession } from '@qrcast/core/wire';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import { type Node, openNode } from '@qrcast/runtime/node';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import type {} from '@qrcast/runtime/test/redis'; // for the type of inject('redisUrl')
import { inject } from 'vitest';
import { createTickets, type Ticket, type Tickets } from '../src/auth/tickets.ts';
import { type Gateway, startGateway } from '../src/gateway.ts';
import type { GatewayOptions } from '../src/wiring/gateway-options.ts';
import { createContractCheck } from './contract.ts';
import { openViewer, type Viewer, type ViewerOptions } from './viewer.ts';
import { createTestWorker, type TestWorker } from './worker.ts';

/**
 * An answer that takes longer has waited for a client or a poll, each of which may take 30 s or
 * more. Other answers need milliseconds, so even a machine that is a hundred times slower stays
 * within this.
 */
export const NOT_HELD_UP_MS = 25_000;
/** Every answer of every test is checked against the document. */
export const contract = createContractCheck();
export const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';
export const SECRET_KEYS = [{ id: 'k1', key: Buffer.alloc(32, 7) }];

/** Fields that any answer may have. Each test uses those that its call returns. */
export interface Body {
  readonly session: WireSession;
  readonly sessions: readonly WireSession[];
  readonly nextCursor: string | null;
  readonly ticket: string;
  readonly ticketId: string;
  readonly ticketExpiresAt: number;
  readonly pageUrl: string;
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Body;
}

export interface CallOptions {
  /** An API key or ticket; null for no header. The API key of the tenant if left out. */
  readonly secret?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestTenant {
  readonly id: string;
  readonly apiKey: string;
  readonly webhookToken: string;
}

export interface TestGateway extends TestWorker {
  readonly gateway: Gateway;
  readonly url: string;
  readonly namespace: string;
  readonly node: Node;
  readonly tenant: TestTenant;
  readonly tickets: Tickets;
  newTenant(): Promise<TestTenant>;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Of a new instance, unless the fields name one. */
  create(fields?: Readonly<Record<string, unknown>>, tenant?: TestTenant): Promise<Body & { readonly session: WireSession }>;
  /** A ticket with any fields, even an expired one. */
  ticketFor(sessionId: string, fields?: Partial<Omit<Ticket, 'id'>>): Promise<string>;
  showCode(sessionId: string, name: string): Promise<Session>;
  /** The session's record. */
  stored(sessionId: string): Promise<Session>;
  view(ticket: string, options?: ViewerOptions): Viewer;
  close(): Promise<void>;
}

export type TestGatewayOptions = Partial<Omit<GatewayOptions, 'pageFolder' | 'secretKeys'>>;

/** Shows a code long enough for the slowest machine to look at it. */
const SLOW_POLICY: Policy = { ...DEFAULT_POLICY, codeTtlMs: 120_000 };

/**
 * `namespace`: that of another test gateway, if this one is to stand for a second process of the
 * same installation. A new tenant is made all the same.
 */
export async function openTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const releasers = createReleasers();
  const namespace = options.namespace ?? `test-${randomUUID().slice(0, 8)}`;
  const { node, gateway } = await start({ ...options, namespace }, releasers);
  const viewers = new Set<Viewer>();
  releasers.push('viewers', () => viewers.forEach((viewer) => void viewer.socket.disconnect()));

  const url = `http://127.0.0.1:${gateway.port}`;
  const tickets = createTickets({ ...node, namespace, keyring: createKeyring(SECRET_KEYS) });
  const newTenant = () => createTenant(gateway);
  const tenant = await newTenant();
  const call = createCall(url, tenant.apiKey);
  const worker = createTestWorker(node, namespace);
  // It listens before its subscriptions stand, and says so itself until they do.
  while (!(await fetch(`${url}/readyz`)).ok);

  return {
    ...{ gateway, url, namespace, node, tenant, tickets, newTenant, call },
    ...worker,
    showCode: (sessionId, name) => worker.answer(sessionId, { kind: 'code', digest: name, image: imageOf(name), text: null }),
    async stored(sessionId) {
      const session = await node.sessions.find(sessionId);
      if (session === null) throw new Error('there is no such session');
      return session;
    },
    async create(fields = {}, by = tenant) {
      const { status, text, body } = await call('POST', '/v1/sessions', { secret: by.apiKey, body: { ...newInstance(), ...fields } });
      if (status !== 201 && status !== 200) throw new Error(`the session was not created: ${text}`);
      return body;
    },
    async ticketFor(sessionId, fields = {}) {
      const scopes = ['view', 'password'] as const;
      const defaults = { tenantId: tenant.id, sessionId, scopes, origins: [], expiresAt: Date.now() + 60_000 };
      return (await tickets.issue({ ...defaults, ...fields })).ticket;
    },
    view(ticket, viewerOptions = {}) {
      const viewer = openViewer(url, ticket, viewerOptions);
      viewers.add(viewer);
      return viewer;
    },
    close: () => releasers.release(),
  };
}

/** The gateway, and a node of the test's own beside it. */
async function start(
  options: TestGatewayOptions & { readonly namespace: string },
  releasers: Releasers,
): Promise<{ readonly node: Node; readonly gateway: Gateway }> {
  const log = createLog('test', 'silent');
  // As the worker connects. The gateway may connect through a proxy, which stands before the one server.
  const redisUrl = inject(options.redisUrl === undefined ? 'redisUrl' : 'serverUrl');
  const pageFolder = await openPageFolder();
  releasers.push('page', () => rm(pageFolder, { recursive: true, force: true }));
  const node = await openNode({ redisUrl, namespace: options.namespace, policy: options.policy ?? SLOW_POLICY, log });
  releasers.push('node', () => node.close());
  const gateway = await startGateway({
    redisUrl,
    policy: SLOW_POLICY,
    unwatchedGraceMs: 15_000,
    upstreamHosts: DEFAULT_UPSTREAM_HOSTS,
    adminKey: ADMIN_KEY,
    maxConnections: 1_000,
    // All tests come from one address.
    addressLimits: { handshakesPerAddressPerMinute: 1_000_000, failuresPerAddressPerMinute: 1_000_000 },
    publicUrl: undefined,
    log,
    port: 0,
    host: '127.0.0.1',
    ...options,
    secretKeys: SECRET_KEYS,
    pageFolder,
  }).catch(async (error: unknown) => {
    await releasers.release();
    throw error;
  });
  releasers.push('gateway', () => gateway.close(0));
  return { node, gateway };
}

async function createTenant(gateway: Gateway): Promise<TestTenant> {
  const id = `acme-${randomUUID().slice(0, 8)}`;
  const { secrets } = await gateway.tenants.create({ id, name: 'Acme' });
  return { id, ...secrets };
}

/** @param apiKey sent if the options name no secret */
function createCall(url: string, apiKey: string): TestGateway['call'] {
  return async (method, path, { secret = apiKey, body, headers = {} } = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const { status } = response;
    const text = await textOf(response);
    contract.check({ method, path, requestBody: parsed(body), status, headers: response.headers, text });
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    // The test that expects a field looks at it.
    return { status, headers: response.headers, text, body: (isJson ? JSON.parse(text) : {}) as Body };
  };
}

/** Of a stream that has no end, only what has come with its first event. */
async function textOf(response: Response): Promise<string> {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (!isStream || !/\/overview(\?|$)/.test(response.url)) return response.text();
  let text = '';
  for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += part;
    if (/^data: .*\n\n/m.test(text)) break; // which also cancels the rest
  }
  return text;
}

/** The body as the server parses it; undefined if it is not JSON. */
function parsed(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

export const imageOf = (name: string): string => `data:image/png;base64,${name}`;

let instances = 0;
export function newInstance(): { instanceId: string; apiToken: string } {
  return { instanceId: `1101${String(++instances).padStart(6, '0')}`, apiToken: `token-${randomUUID()}` };
}

/** The smallest folder that passes for the built pages. */
async function openPageFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-page-'));
  await mkdir(join(folder, 'assets'));
  await mkdir(join(folder, 'console', 'assets'), { recursive: true });
  const consolePage = '<!doctype html><script type="module" src="/console/assets/console.js"></script><title>console</title>';
  await writeFile(join(folder, 'console.html'), consolePage);
  await writeFile(join(folder, 'console', 'assets', 'console.js'), 'export {};');
  await writeFile(join(folder, 'console', 'assets', 'console.css'), 'body {}');
  await writeFile(join(folder, 'connect.html'), '<!doctype html><title>page</title>');
  for (const name of ['element.js', 'client.js']) await writeFile(join(folder, name), 'export {};');
  await writeFile(join(folder, 'assets', 'page-1a2b.js'), 'export {};');
  await writeFile(join(folder, 'assets', 'notes.txt'), 'not served');
  return folder;
}
