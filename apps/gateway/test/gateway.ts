/** For tests: a gateway on a free port over the test Redis, a node of one's own in its namespace to act as the worker, a tenant, callers. */

import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outcome, PollMethod } from '@qrcast/core/outcome';
import { DEFAULT_POLICY, type Policy } from '@qrcast/core/schedule';
import { isFinal, type Session } from '@qrcast/core/session';
import { DEFAULT_UPSTREAM_HOSTS } from '@qrcast/core/upstream';
import type { WireSession } from '@qrcast/core/wire';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { createLog } from '@qrcast/runtime/log';
import { type Node, openNode } from '@qrcast/runtime/node';
import type { PollTarget } from '@qrcast/runtime/polling/poll-queue';
import { pollMember, shardOf } from '@qrcast/runtime/polling/shards';
import { POLL_QUEUE_NAME, queuePrefix, shardKeys } from '@qrcast/runtime/redis/keys';
import { createReleasers } from '@qrcast/runtime/releasers';
import type {} from '@qrcast/runtime/test/redis'; // for the type of inject('redisUrl')
import { inject } from 'vitest';
import { createTickets, type Ticket, type Tickets } from '../src/auth/tickets.ts';
import { type Gateway, startGateway } from '../src/gateway.ts';
import type { GatewayOptions } from '../src/wiring/gateway-options.ts';
import { createContractCheck } from './contract.ts';
import { openViewer, type Viewer, type ViewerOptions } from './viewer.ts';

/**
 * What takes longer has waited for a client or a poll, each of which may take 30 s or more. What does not wait needs milliseconds: a machine
 * a hundred times slower is within it as well.
 */
export const NOT_HELD_UP_MS = 25_000;
/** Every answer of every test, held against the document. */
export const contract = createContractCheck();
export const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';
export const SECRET_KEYS = [{ id: 'k1', key: Buffer.alloc(32, 7) }];

/** What any answer may hold; a test asks for what its call gives. */
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
  /** An API key or ticket; null for no header. The tenant's own key if left out. */
  readonly secret?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestTenant {
  readonly id: string;
  readonly apiKey: string;
  readonly webhookToken: string;
}

export interface TestGateway {
  readonly gateway: Gateway;
  readonly url: string;
  readonly namespace: string;
  readonly node: Node;
  readonly tenant: TestTenant;
  readonly tickets: Tickets;
  newTenant(): Promise<TestTenant>;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Of a fresh instance unless the fields name one. */
  create(fields?: Readonly<Record<string, unknown>>, tenant?: TestTenant): Promise<Body & { readonly session: WireSession }>;
  /** A ticket with whatever fields, expired ones included. */
  ticketFor(sessionId: string, fields?: Partial<Omit<Ticket, 'id'>>): Promise<string>;
  /** As the worker would after a poll that started and was answered now. */
  answer(sessionId: string, outcome: Outcome): Promise<Session>;
  showCode(sessionId: string, name: string): Promise<Session>;
  /** As time alone would: the attempt's deadline passes. */
  passDeadline(sessionId: string): Promise<Session>;
  isQueued(sessionId: string): Promise<boolean>;
  /** What the wake-up says that waits for a worker, null if none does; taken out, for a later one would be merged into it. */
  takeWakeUp(sessionId: string): Promise<{ readonly sessionId: string; readonly ask: PollMethod | null } | null>;
  view(ticket: string, options?: ViewerOptions): Viewer;
  close(): Promise<void>;
}

export type TestGatewayOptions = Partial<Omit<GatewayOptions, 'pageFolder' | 'secretKeys'>>;

/** A code is shown for as long as the slowest machine needs to look at it. */
const SLOW_POLICY: Policy = { ...DEFAULT_POLICY, codeTtlMs: 120_000 };

/** `namespace`: another test gateway's, to stand for a second process. Its tenant is made anew all the same. */
export async function openTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const releasers = createReleasers();
  const log = createLog('test', 'silent');
  const redisUrl = inject('redisUrl'); // the worker's way; the gateway's own may lead through a proxy
  const namespace = options.namespace ?? `test-${randomUUID().slice(0, 8)}`;
  const pageFolder = await openPageFolder();
  releasers.push('page', () => rm(pageFolder, { recursive: true, force: true }));
  const node = await openNode({ redisUrl, namespace, policy: options.policy ?? SLOW_POLICY, log });
  releasers.push('node', () => node.close());
  const gateway = await startGateway({
    redisUrl,
    policy: SLOW_POLICY,
    unwatchedGraceMs: 15_000,
    upstreamHosts: DEFAULT_UPSTREAM_HOSTS,
    adminKey: ADMIN_KEY,
    maxConnections: 1_000,
    addressLimits: { handshakesPerAddressPerMinute: 1_000_000, failuresPerAddressPerMinute: 1_000_000 }, // all tests have one address
    publicUrl: undefined,
    log,
    port: 0,
    host: '127.0.0.1',
    ...options,
    namespace,
    secretKeys: SECRET_KEYS,
    pageFolder,
  }).catch(async (error: unknown) => {
    await releasers.release();
    throw error;
  });
  releasers.push('gateway', () => gateway.close(0));
  const viewers = new Set<Viewer>();
  releasers.push('viewers', () => viewers.forEach((viewer) => void viewer.socket.disconnect()));

  const url = `http://127.0.0.1:${gateway.port}`;
  const tickets = createTickets({ ...node, namespace, keyring: createKeyring(SECRET_KEYS) });
  const tenant = await newTenant();
  // It listens before its subscriptions stand; until they do it says so itself.
  while (!(await fetch(`${url}/readyz`)).ok);

  async function newTenant(): Promise<TestTenant> {
    const id = `acme-${randomUUID().slice(0, 8)}`;
    const { secrets } = await gateway.tenants.create({ id, name: 'Acme' });
    return { id, ...secrets };
  }

  async function call(method: string, path: string, { secret = tenant.apiKey, body, headers = {} }: CallOptions = {}): Promise<Answer> {
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
    const text = await response.text();
    contract.check({ method, path, requestBody: parsed(body), status, headers: response.headers, text });
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    // Every field is looked at by the test that expects it.
    return { status, headers: response.headers, text, body: (isJson ? JSON.parse(text) : {}) as Body };
  }

  async function apply(sessionId: string, event: Parameters<Node['sessions']['apply']>[1]): Promise<Session> {
    const session = await node.sessions.apply(sessionId, event);
    if (session === null) throw new Error('there is no such session');
    return session;
  }

  async function answer(sessionId: string, outcome: Outcome): Promise<Session> {
    const at = node.clock.now();
    return apply(sessionId, { kind: 'answered', at, startedAt: at, jitter: 0, outcome });
  }

  return {
    gateway,
    url,
    namespace,
    node,
    tenant,
    tickets,
    newTenant,
    call,
    async create(fields = {}, by = tenant) {
      const { status, text, body } = await call('POST', '/v1/sessions', { secret: by.apiKey, body: { ...newInstance(), ...fields } });
      if (status !== 201 && status !== 200) throw new Error(`the session was not created: ${text}`);
      return body;
    },
    async ticketFor(sessionId, fields = {}) {
      const defaults = {
        tenantId: tenant.id,
        sessionId,
        scopes: ['view', 'password'],
        origins: [],
        expiresAt: Date.now() + 60_000,
      } as const;
      return (await tickets.issue({ ...defaults, ...fields })).ticket;
    },
    answer,
    showCode: (sessionId, name) => answer(sessionId, { kind: 'code', digest: name, image: imageOf(name), text: null }),
    async passDeadline(sessionId) {
      const session = await apply(sessionId, { kind: 'watched', at: node.clock.now() });
      if (isFinal(session)) throw new Error('the session is over');
      return apply(sessionId, { kind: 'elapsed', at: session.deadlineAt });
    },
    async isQueued(sessionId) {
      const session = await node.sessions.find(sessionId);
      if (session === null) throw new Error('there is no such session');
      return (await node.queue.renew([{ sessionId, instanceKey: session.instanceKey, tenantId: session.tenantId }], 0)).length === 0;
    },
    async takeWakeUp(sessionId) {
      const job = `${queuePrefix(namespace)}:${POLL_QUEUE_NAME}:poke-${sessionId}`;
      const data = await node.redis.hget(job, 'data');
      await node.redis.del(job);
      if (data === null) return null;
      const target = JSON.parse(data) as PollTarget;
      const [, , , poked] = shardKeys(namespace, shardOf(target));
      const ask = await node.redis.hget(poked, pollMember(target));
      await node.redis.hdel(poked, pollMember(target));
      return { sessionId: target.sessionId, ask: ask as PollMethod | null };
    },
    view(ticket, viewerOptions = {}) {
      const viewer = openViewer(url, ticket, viewerOptions);
      viewers.add(viewer);
      return viewer;
    },
    close: () => releasers.release(),
  };
}

/** What the server makes of a body; undefined where it is no JSON. */
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

/** The least that passes for a built login page. */
async function openPageFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-page-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'connect.html'), '<!doctype html><title>page</title>');
  for (const name of ['element.js', 'client.js']) await writeFile(join(folder, name), 'export {};');
  await writeFile(join(folder, 'assets', 'page-1a2b.js'), 'export {};');
  await writeFile(join(folder, 'assets', 'notes.txt'), 'not served');
  return folder;
}
