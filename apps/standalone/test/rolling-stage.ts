/**
 * For tests: gateways and workers in processes of their own, replaced one after another while
 * viewers watch through a balancer. Each of them can be told to stop as an orchestrator does.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { watchSession } from '@qrcast/client';
import { socketIo } from '@qrcast/client/socket-io';
import type { Connection, Session } from '@qrcast/client/types';
import { createUntil } from '@qrcast/gateway/test/recorder';
import { createLog } from '@qrcast/runtime/log';
import { connectRedis } from '@qrcast/runtime/redis/redis';
import type { Releasers } from '@qrcast/runtime/releasers';
import { openTestProxy } from '@qrcast/runtime/test/proxy';
import type { Instance } from '@qrcast/simulator/instance';
import { openSimulator } from '@qrcast/simulator/simulator';
import type { Redis } from 'ioredis';
import { io } from 'socket.io-client';
import { type Environment, type Program, spawnRole } from './role-process.ts';

export const WATCH_TRANSPORTS = {
  websocket: () => 'websocket' as const,
  sse: () => 'sse' as const,
  'long-poll': () => 'long-poll' as const,
  'socket.io': () => socketIo(io, ['websocket']),
};
export type WatchTransport = keyof typeof WATCH_TRANSPORTS;

const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';

export interface RollingStage {
  readonly namespace: string;
  readonly redis: Redis;
  /** New connections go to these gateways in turn. */
  readonly ports: Set<number>;
  startGateway(): Promise<RunningGateway>;
  startWorker(): Promise<Program>;
  newInstance(): Instance;
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
  const redis = connectRedis(redisUrl, 'commands', createLog('test', 'silent'));
  releasers.push('redis', () => redis.disconnect());
  const ports = new Set<number>();
  let turn = 0;
  const balancer = await openTestProxy(() => [...ports][turn++ % ports.size] ?? 1);
  releasers.push('balancer', () => balancer.close());
  const url = `http://127.0.0.1:${balancer.port}`;
  const environment = {
    PORT: '0',
    REDIS_URL: redisUrl,
    QRCAST_NAMESPACE: namespace,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_ADMIN_KEY: ADMIN_KEY,
    QRCAST_UPSTREAM_HOSTS: simulator.url,
    QRCAST_CODE_TTL_MS: '120000',
    QRCAST_ATTEMPT_MS: '900000',
    ...env,
  };
  const start = async (role: 'gateway' | 'worker', mark: RegExp): Promise<{ program: Program; found: RegExpExecArray }> => {
    const program = spawnRole(role, environment);
    releasers.push(role, () => void program.child.kill('SIGKILL'));
    return { program, found: await program.until(mark) };
  };
  let tenant: Promise<TenantSecrets> | null = null;
  const secrets = (): Promise<TenantSecrets> => (tenant ??= createTenant(url));

  return {
    namespace,
    redis,
    ports,
    async startGateway() {
      const { program, found } = await start('gateway', /"port":(\d+)[^\n]*gateway listens/);
      const port = Number(found[1]);
      while (!(await fetch(`http://127.0.0.1:${port}/readyz`)).ok);
      return { ...program, port };
    },
    startWorker: async () => (await start('worker', /worker is up/)).program,
    newInstance: () => simulator.createInstance(),
    async createSession({ idInstance, apiToken }) {
      const { apiKey } = await secrets();
      const body = JSON.stringify({ instanceId: idInstance, apiToken, apiUrl: simulator.url });
      const response = await post(`${url}/v1/sessions`, apiKey, body);
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
}

async function post(url: string, secret: string, body: string): Promise<Response> {
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`refused: ${await response.text()}`);
  return response;
}

async function createTenant(url: string): Promise<TenantSecrets> {
  const response = await post(`${url}/v1/admin/tenants`, ADMIN_KEY, JSON.stringify({ id: 'acme', name: 'Acme' }));
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
