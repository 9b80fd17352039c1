/**
 * For tests: gateways and workers in processes of their own, replaced one after another while
 * viewers watch through a balancer. Each of them can be told to stop as an orchestrator does.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchSession } from '@qrcast/client';
import { socketIo } from '@qrcast/client/socket-io';
import type { Connection, Session } from '@qrcast/client/types';
import { createUntil } from '@qrcast/gateway/test/recorder';
import { createLog } from '@qrcast/runtime/log';
import { connectCommands } from '@qrcast/runtime/redis/redis';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import type { Releasers } from '@qrcast/runtime/releasers';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import type { Instance } from '@qrcast/simulator/instance';
import { openSimulator } from '@qrcast/simulator/simulator';
import { io } from 'socket.io-client';
import { type Environment, type Program, spawnNode } from './role-process.ts';

export const WATCH_TRANSPORTS = {
  websocket: () => 'websocket' as const,
  sse: () => 'sse' as const,
  'long-poll': () => 'long-poll' as const,
  'socket.io': () => socketIo(io, ['websocket']),
};
export type WatchTransport = keyof typeof WATCH_TRANSPORTS;

const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';
const TENANT_ID = 'acme';

/** The folder of the sources that this file belongs to. */
export const PRESENT_TREE = fileURLToPath(new URL('../../..', import.meta.url));

/** Starts processes from one tree of sources. */
export interface RoleStarter {
  readonly tree: string;
  /** Resolves once it is ready. A free port, if none is given. */
  startGateway(port?: number): Promise<RunningGateway>;
  startWorker(): Promise<Program>;
}

/** It starts processes from the present tree. */
export interface RollingStage extends RoleStarter {
  readonly namespace: string;
  readonly redis: RedisClient;
  /** Of the balancer before all gateways. */
  readonly url: string;
  /** New connections go to these gateways in turn. */
  readonly ports: Set<number>;
  /** For another version of qrcast, in a folder of its own. */
  starterIn(tree: string): RoleStarter;
  newInstance(): Instance;
  /** From now on, the instance notifies that gateway. */
  notify(instance: Instance, gateway: RunningGateway): Promise<void>;
  /** From now on, the tenant's callbacks go there. `relayUrl`: and the provider's notifications there. */
  sendCallbacksTo(url: string, relayUrl?: string): Promise<void>;
  /** What the API answers the tenant. There must be a gateway. */
  read(path: string): Promise<unknown>;
  /** Resolves to its first ticket. There must be a gateway. */
  createSession(instance: Instance): Promise<string>;
  watch(ticket: string, transport: WatchTransport): Watched;
}

export interface RunningGateway extends Program {
  readonly port: number;
}

export interface Watched {
  /** In the order of their arrival, each version once. */
  readonly sessions: readonly Session[];
  readonly connections: readonly Connection[];
  /** Resolves to the first state, past or future, that fits. */
  until(fits: (session: Session) => boolean): Promise<Session>;
  close(): void;
}

/** Sends SIGTERM. Resolves to the exit status. */
export async function stopped({ child }: Program): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  child.kill('SIGTERM');
  const [status] = await once(child, 'close');
  return status as number | null;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one function: it opens the parts of the stage in the order in which they depend on one another.
export async function openRollingStage(redisUrl: string, env: Environment, releasers: Releasers): Promise<RollingStage> {
  const namespace = `test-${randomUUID().slice(0, 8)}`;
  const simulator = await openSimulator({ rotateMs: 3_000 });
  releasers.push('simulator', () => simulator.close());
  const redis = connectCommands(redisUrl, createLog('test', 'silent'));
  releasers.push('redis', () => redis.disconnect());
  const ports = new Set<number>();
  let turn = 0;
  const balancer = await openTestProxy(() => [...ports][turn++ % ports.size] ?? 1);
  releasers.push('balancer', () => balancer.close());
  const url = `http://127.0.0.1:${balancer.port}`;
  const environment = {
    REDIS_URL: redisUrl,
    QRCAST_NAMESPACE: namespace,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_ADMIN_KEY: ADMIN_KEY,
    QRCAST_UPSTREAM_HOSTS: simulator.url,
    QRCAST_CODE_TTL_MS: '120000',
    QRCAST_ATTEMPT_MS: '900000',
    ...env,
  };
  const start = async (
    tree: string,
    role: 'gateway' | 'worker',
    mark: RegExp,
    ownPort = 0,
  ): Promise<{ program: Program; found: RegExpExecArray }> => {
    const program = spawnNode([join(tree, 'apps', role, 'src/main.ts')], { ...environment, PORT: String(ownPort) });
    releasers.push(role, () => void program.child.kill('SIGKILL'));
    return { program, found: await program.until(mark) };
  };
  const starterIn = (tree: string): RoleStarter => ({
    tree,
    async startGateway(ownPort) {
      const { program, found } = await start(tree, 'gateway', /"port":(\d+)[^\n]*gateway listens/, ownPort);
      const port = Number(found[1]);
      while (!(await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
      return { ...program, port };
    },
    startWorker: async () => (await start(tree, 'worker', /worker is up/)).program,
  });
  let tenant: Promise<TenantSecrets> | null = null;
  const secrets = (): Promise<TenantSecrets> => (tenant ??= createTenant(url));

  return {
    ...starterIn(PRESENT_TREE),
    namespace,
    redis,
    url,
    ports,
    starterIn,
    newInstance: () => simulator.createInstance(),
    async notify(instance, { port }) {
      const { webhookToken } = await secrets();
      instance.setWebhook({ url: `http://127.0.0.1:${port}/v1/webhooks/green-api/${TENANT_ID}`, token: webhookToken });
    },
    async sendCallbacksTo(receiver, relayUrl) {
      await secrets(); // the tenant must be there
      const relay = relayUrl === undefined ? {} : { relay: { url: relayUrl } };
      await call('PATCH', `${url}/v1/admin/tenants/${TENANT_ID}`, ADMIN_KEY, { callback: { url: receiver }, ...relay });
    },
    async read(path) {
      const { apiKey } = await secrets();
      return (await call('GET', `${url}${path}`, apiKey)).json();
    },
    async createSession({ idInstance, apiToken }) {
      const { apiKey } = await secrets();
      const body = { instanceId: idInstance, apiToken, apiUrl: simulator.url };
      const response = await call('POST', `${url}/v1/sessions`, apiKey, body);
      return ((await response.json()) as { ticket: string }).ticket;
    },
    watch(ticket, transport) {
      const watched = openWatch(url, ticket, transport);
      releasers.push('watch', () => watched.close());
      return watched;
    },
  };
}

interface TenantSecrets {
  readonly apiKey: string;
  readonly webhookToken: string;
}

async function call(method: string, url: string, secret: string, body?: object): Promise<Response> {
  const headers = { authorization: `Bearer ${secret}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!response.ok) throw new Error(`refused: ${await response.text()}`);
  return response;
}

async function createTenant(url: string): Promise<TenantSecrets> {
  const response = await call('POST', `${url}/v1/admin/tenants`, ADMIN_KEY, { id: TENANT_ID, name: 'Acme' });
  return (await response.json()) as TenantSecrets;
}

/** A viewer as `@qrcast/client` makes it. */
export function openWatch(url: string, ticket: string, transport: WatchTransport): Watched {
  const watch = watchSession({ url, ticket, transport: WATCH_TRANSPORTS[transport](), visible: true });
  const sessions: Session[] = [];
  const connections: Connection[] = [];
  const { until, look } = createUntil(
    () =>
      `${transport} saw ${JSON.stringify(sessions.map(({ state, version }) => `${state} ${version}`))} and ${JSON.stringify(connections)}`,
  );
  watch.subscribe(() => {
    const { session, connection } = watch.snapshot;
    if (connection !== connections.at(-1)) connections.push(connection);
    if (session !== null && session !== sessions.at(-1)) sessions.push(session);
    look();
  });
  return { sessions, connections, until: (fits) => until(() => sessions.find(fits)), close: () => watch.close() };
}
