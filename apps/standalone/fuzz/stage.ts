/**
 * The system that the edges are tried on: a gateway and a worker as an operator runs them, with the
 * most verbose logs; the simulated provider; a tenant for the inputs; and a healthy session of
 * another tenant, whose viewer must get its codes throughout.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import { openTestReceiver } from '@qrcast/runtime/test/receiver';
import type { Instance } from '@qrcast/simulator/instance';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { TEST_POLICY } from '../test/cluster.ts';
import { createLeakHunt, type LeakHunt } from '../test/leak-hunt.ts';
import type { Environment } from '../test/role-process.ts';
import { type Canary, openCanary } from './canary.ts';
import type { PolledSessions } from './provider-answers.ts';
import type { Subject } from './run-edge.ts';
import { ROLES, startRole, type WatchedRole } from './watched-role.ts';

export interface Stage extends Subject, PolledSessions {
  readonly simulator: Simulator;
  readonly namespace: string;
  readonly redisUrl: string;
  readonly gateway: WatchedRole;
  readonly worker: WatchedRole;
  readonly canary: Canary;
  /**
   * For edges that try no role: their answers must hold no secret, and the roles are not checked.
   */
  readonly beside: Subject;
  readonly adminKey: string;
  /** The tenant and session that the inputs use. */
  readonly tenant: Tenant;
  /** The secret in the inputs, at every place for one. No log and no answer may contain it. */
  readonly planted: string;
  readonly target: Target;
  call(method: string, path: string, secret: string, body?: unknown): Promise<Response>;
  /** The environment that a role starts with. */
  readonly roleEnv: Environment;
  newTenant(id: string): Promise<Tenant>;
  create(tenant: Tenant, instance: Pick<Instance, 'idInstance' | 'apiToken'>, apiUrl?: string): Promise<Created>;
  close(): Promise<void>;
}

export interface Tenant {
  readonly id: string;
  readonly apiKey: string;
  readonly webhookToken: string;
}

export interface Created {
  readonly sessionId: string;
  readonly ticket: string;
}

/** A session for the inputs. */
export interface Target extends Created {
  readonly instance: Instance;
}

/** One constant for all stages, so that inputs can be generated before a stage is open. */
export const PLANTED = `planted-${randomBytes(16).toString('hex')}`;

/** Limits so high that no input is refused because of many earlier ones. */
const UNLIMITED = '1000000';

/** @param hostile a provider beside the simulator */
export async function openStage(redisUrl: string, hostile: { readonly url: string } | null = null): Promise<Stage> {
  const releasers = createReleasers();
  try {
    return await buildStage(redisUrl, hostile === null ? [] : [hostile.url], releasers);
  } catch (error) {
    await releasers.release();
    throw error;
  }
}

async function buildStage(redisUrl: string, upstreamHosts: readonly string[], releasers: Releasers): Promise<Stage> {
  const hunt = createLeakHunt();
  const namespace = `fuzz-${randomUUID().slice(0, 8)}`;
  const adminKey = randomBytes(24).toString('hex');
  hunt.add('the admin key', adminKey);
  hunt.add('a planted secret', PLANTED);
  const simulator = await openSimulator({ rotateMs: 700, enforceRateLimit: false });
  releasers.push('simulator', () => simulator.close());
  const receiver = await openTestReceiver();
  releasers.push('receiver', () => receiver.close());
  const shared = sharedSettings(redisUrl, namespace, [simulator.url, ...upstreamHosts], receiver.url);
  const roles = await startRoles(shared, adminKey, releasers);
  const callers = createCallers({ gateway: roles.gateway, hunt, adminKey, upstream: simulator.url });
  const told = { callback: { url: `${receiver.url}/callback` }, relay: { url: `${receiver.url}/relay` } };
  const tenant = await callers.newTenant('fuzzed', told);
  const instance = simulator.createInstance();
  const target = { instance, ...(await callers.create(tenant, instance)) };
  const canary = await startCanary(roles.gateway, simulator, callers, releasers);
  return {
    simulator,
    namespace,
    redisUrl,
    ...roles,
    canary,
    adminKey,
    tenant,
    planted: PLANTED,
    target,
    roleEnv: { ...shared, PORT: '0', QRCAST_NAMESPACE: `${namespace}-other`, QRCAST_LOG_LEVEL: 'info' },
    ...callers,
    newTenant: (id) => callers.newTenant(id, told),
    ...createPolledSessions(callers, tenant, canary),
    ...createSubject(roles, canary, hunt),
    close: () => releasers.release(),
  };
}

type Roles = Pick<Stage, 'gateway' | 'worker'>;

interface CallersDeps {
  readonly gateway: WatchedRole;
  readonly hunt: LeakHunt;
  readonly adminKey: string;
  /** The provider of a session that names none. */
  readonly upstream: string;
}

interface Callers extends Pick<Stage, 'call' | 'create'> {
  newTenant(id: string, settings?: object): Promise<Tenant>;
}

/** The calls of the operator and of tenants. The hunt learns every secret that they are given. */
function createCallers({ gateway, hunt, adminKey, upstream }: CallersDeps): Callers {
  const call: Stage['call'] = (method, path, secret, body) => callGateway(gateway.port(), method, path, secret, body);
  return {
    call,
    async newTenant(id, settings = {}) {
      const answer = await call('POST', '/v1/admin/tenants', adminKey, { id, name: id, ...settings });
      const { apiKey, webhookToken } = (await answer.json()) as { apiKey: string; webhookToken: string };
      hunt.add(`the API key of ${id}`, apiKey);
      hunt.add(`the webhook token of ${id}`, webhookToken);
      return { id, apiKey, webhookToken };
    },
    async create(by, { idInstance: instanceId, apiToken }, apiUrl = upstream) {
      const answer = await call('POST', '/v1/sessions', by.apiKey, { instanceId, apiToken, apiUrl, expiresInSeconds: 86_400 });
      if (!answer.ok) throw new Error(`the session was refused: ${await answer.text()}`);
      const { session } = (await answer.json()) as { session: { id: string } };
      const issued = await call('POST', `/v1/sessions/${session.id}/tickets`, by.apiKey, { expiresInSeconds: 86_400 });
      const { ticket } = (await issued.json()) as { ticket: string };
      hunt.add(`a ticket of ${by.id}`, ticket.slice(ticket.lastIndexOf('.') + 1));
      return { sessionId: session.id, ticket };
    },
  };
}

function callGateway(port: number, method: string, path: string, secret: string, body?: unknown): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${secret}`,
      connection: 'close',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function startCanary(
  gateway: WatchedRole,
  simulator: Simulator,
  { newTenant, create }: Callers,
  releasers: Releasers,
): Promise<Canary> {
  const { ticket } = await create(await newTenant('canary'), simulator.createInstance());
  const canary = openCanary(() => gateway.port(), ticket);
  releasers.push('canary', () => canary.close());
  await canary.nextCode();
  return canary;
}

function createPolledSessions({ call, create }: Callers, tenant: Tenant, canary: Canary): PolledSessions {
  return {
    async watch(instanceId, apiUrl, isAsked) {
      const { sessionId } = await create(tenant, { idInstance: instanceId, apiToken: 'token-of-the-fuzz' }, apiUrl);
      let text = '';
      do {
        const answer = await call('GET', `/v1/sessions/${sessionId}?formats=text`, tenant.apiKey);
        text = await answer.text();
        await canary.lives(); // a round trip
      } while (!isAsked());
      await call('DELETE', `/v1/sessions/${sessionId}`, tenant.apiKey);
      return text;
    },
  };
}

function createSubject({ gateway, worker }: Roles, canary: Canary, hunt: LeakHunt): Subject & Pick<Stage, 'beside'> {
  const echoes = (answers: string): string[] => hunt.find(answers).map((name) => `an answer holds ${name}`);
  return {
    beside: { ready: async () => undefined, faults: async (answers) => echoes(answers) },
    async ready() {
      await Promise.all([gateway.ready(), worker.ready()]);
      await canary.lives();
    },
    async faults(answers) {
      const faults = [...gateway.faults(), ...worker.faults()];
      if (faults.length === 0) await canary.lives(); // otherwise it may have ended, and `ready` starts it again
      const leaks = [gateway, worker].flatMap((role) => hunt.find(role.news()).map((name) => `a log holds ${name}`));
      return [...faults, ...leaks, ...echoes(answers)];
    },
  };
}

/** The settings that both roles have. */
function sharedSettings(redisUrl: string, namespace: string, upstreamHosts: readonly string[], callbackHost: string) {
  return {
    REDIS_URL: redisUrl,
    QRCAST_NAMESPACE: namespace,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_UPSTREAM_HOSTS: upstreamHosts.join(),
    QRCAST_CALLBACK_HOSTS: callbackHost,
    QRCAST_POLL_INTERVAL_MS: '1100',
    QRCAST_CODE_TTL_MS: String(TEST_POLICY.codeTtlMs),
    QRCAST_ATTEMPT_MS: '3600000',
    QRCAST_DRAIN_MS: '0',
    QRCAST_LOG_LEVEL: 'trace',
  };
}

async function startRoles(shared: ReturnType<typeof sharedSettings>, adminKey: string, releasers: Releasers): Promise<Roles> {
  const gateway = await startRole(ROLES.gateway, (port) => ({
    ...shared,
    PORT: String(port),
    QRCAST_ADMIN_KEY: adminKey,
    QRCAST_TENANT_SESSIONS: UNLIMITED,
    QRCAST_TENANT_VIEWERS: UNLIMITED,
    QRCAST_TENANT_VIEWERS_PER_SESSION: UNLIMITED,
    QRCAST_TENANT_REQUESTS_PER_MINUTE: UNLIMITED,
    QRCAST_TENANT_HANDSHAKES_PER_MINUTE: UNLIMITED,
    QRCAST_TENANT_WEBHOOK_CALLS_PER_MINUTE: UNLIMITED,
    QRCAST_HANDSHAKES_PER_ADDRESS_PER_MINUTE: UNLIMITED,
    QRCAST_FAILURES_PER_ADDRESS_PER_MINUTE: UNLIMITED,
  }));
  releasers.push('gateway', () => gateway.stop());
  const worker = await startRole(ROLES.worker, (port) => ({ ...shared, PORT: String(port) }));
  releasers.push('worker', () => worker.stop());
  return { gateway, worker };
}
