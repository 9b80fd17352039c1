/**
 * For fault tests: the whole product in processes of its own, in which everything can be broken: each
 * process, the clocks and, over one Redis of its own, Redis and each connection to it.
 */

import { randomBytes } from 'node:crypto';
import type { WireSession } from '@qrcast/core/wire';
import { createReleasers } from '@qrcast/runtime/releasers';
import type { Instance } from '@qrcast/simulator/instance';
import type { SimulatorOptions } from '@qrcast/simulator/options';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { TEST_POLICY } from './cluster.ts';
import { openRecordingClient, type RecordingClient, type TransportName } from './recording-client.ts';
import type { Environment } from './role-process.ts';
import { openStagedRedis, type StagedRedis } from './staged-redis.ts';
import {
  openStagedProcess,
  openStagedRole,
  type RoleKind,
  type StagedProcess,
  type StagedRole,
  type StagedRoleOptions,
} from './staged-role.ts';

export interface ProductStageOptions {
  /** At least 1, as by default. */
  readonly gateways?: number;
  readonly workers?: number;
  /** Of every process. */
  readonly env?: Environment;
  readonly simulator?: SimulatorOptions;
}

export interface FaultStageOptions extends ProductStageOptions {
  /** Whether Redis writes an append-only file. It does not by default. */
  readonly isPersistent?: boolean;
}

export interface StagedSession {
  readonly instance: Instance;
  readonly session: WireSession;
  readonly ticket: string;
}

export interface ProductStage<Role extends StagedProcess = StagedProcess> {
  readonly simulator: Simulator;
  readonly gateways: readonly [Role, ...Role[]];
  readonly workers: readonly [Role, ...Role[]];
  readonly apiKey: string;
  readonly adminKey: string;
  readonly webhookToken: string;
  /** @param gateway the first one by default */
  call(method: string, path: string, body?: unknown, gateway?: number, signal?: AbortSignal): Promise<Response>;
  /** An instance that notifies the first gateway. */
  newInstance(): Instance;
  /** A session of a new instance. @throws {Error} if the gateway refuses it */
  create(gateway?: number, signal?: AbortSignal): Promise<StagedSession>;
  /** A viewer that begins at the gateway given, and takes the next one whenever it comes back. */
  watch(ticket: string, transport: TransportName, gateway?: number): RecordingClient;
  /** Resolves once every process is ready. */
  untilReady(): Promise<void>;
  close(): Promise<void>;
}

export interface FaultStage extends ProductStage<StagedRole> {
  readonly redis: StagedRedis;
}

/** The limits are far away, because all callers of a test have one address. */
const NO_LIMITS: Environment = {
  QRCAST_TENANT_SESSIONS: '100000',
  QRCAST_TENANT_VIEWERS: '100000',
  QRCAST_TENANT_REQUESTS_PER_MINUTE: '1000000',
  QRCAST_TENANT_HANDSHAKES_PER_MINUTE: '1000000',
  QRCAST_TENANT_WEBHOOK_CALLS_PER_MINUTE: '1000000',
  QRCAST_HANDSHAKES_PER_ADDRESS_PER_MINUTE: '1000000',
  QRCAST_FAILURES_PER_ADDRESS_PER_MINUTE: '1000000',
};
const TENANT_ID = 'acme';

/** The product over one Redis of its own. */
export async function openFaultStage(options: FaultStageOptions = {}): Promise<FaultStage> {
  const redis = await openStagedRedis(options.isPersistent);
  try {
    const stage = await openStage(redis.url, options, openStagedRole);
    const close = (): Promise<void> => stage.close().finally(() => redis.close());
    return { ...stage, redis, close };
  } catch (error) {
    await redis.close();
    throw error;
  }
}

/** The product over whatever the URL leads to. */
export function openProductStage(redisUrl: string, options: ProductStageOptions): Promise<ProductStage> {
  return openStage(redisUrl, options, openStagedProcess);
}

/**
 * From now on, the tenant's callbacks go there, and the provider's notifications to `relayUrl`, if given.
 * @throws {Error} if the gateway refuses it
 */
export async function sendCallbacksTo({ gateways, adminKey }: ProductStage, url: string, relayUrl?: string): Promise<void> {
  const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ callback: { url }, ...(relayUrl === undefined ? {} : { relay: { url: relayUrl } }) });
  const response = await fetch(`${gateways[0].url}/v1/admin/tenants/${TENANT_ID}`, { method: 'PATCH', headers, body });
  if (!response.ok) throw new Error(`the change was refused: ${await response.text()}`);
}

// One closure: its methods share the stage.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one function: it opens the parts of the stage in the order in which they depend on one another.
async function openStage<Role extends StagedProcess>(
  redisUrl: string,
  options: ProductStageOptions,
  openRole: (options: StagedRoleOptions) => Promise<Role>,
): Promise<ProductStage<Role>> {
  const releasers = createReleasers();
  const simulator = await openSimulator({ rotateMs: 3_000, ...options.simulator });
  releasers.push('simulator', () => simulator.close());
  const adminKey = randomBytes(24).toString('hex');
  const env = environment(simulator.url, adminKey, options.env);
  async function openOne(kind: RoleKind): Promise<Role> {
    const role = await openRole({ kind, env, redisUrl });
    releasers.push(kind, () => role.close());
    return role;
  }
  const open = async (kind: RoleKind, count = 1): Promise<readonly [Role, ...Role[]]> => [
    await openOne(kind),
    ...(await Promise.all(Array.from({ length: count - 1 }, () => openOne(kind)))),
  ];
  const [gateways, workers] = await Promise.all([open('gateway', options.gateways), open('worker', options.workers)]);

  const clients = new Set<RecordingClient>();
  releasers.push('clients', async () => {
    await Promise.all([...clients].map((client) => client.close()));
  });
  const urls = gateways.map(({ url }) => url);
  const call = (secret: string, method: string, path: string, body?: unknown, gateway = 0, signal?: AbortSignal): Promise<Response> =>
    fetch(`${urls[gateway]}${path}`, {
      method,
      signal: signal ?? null,
      headers: { authorization: `Bearer ${secret}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const tenant = await call(adminKey, 'POST', '/v1/admin/tenants', { id: TENANT_ID, name: 'Acme' });
  const { apiKey, webhookToken } = (await tenant.json()) as { apiKey: string; webhookToken: string };
  const newInstance = (): Instance =>
    simulator.createInstance({ webhook: { url: `${urls[0]}/v1/webhooks/green-api/${TENANT_ID}`, token: webhookToken } });

  return {
    simulator,
    gateways,
    workers,
    apiKey,
    adminKey,
    webhookToken,
    call: (method, path, body, gateway, signal) => call(apiKey, method, path, body, gateway, signal),
    newInstance,
    async create(gateway = 0, signal) {
      const instance = newInstance();
      const body = { instanceId: instance.idInstance, apiToken: instance.apiToken, apiUrl: simulator.url };
      const response = await call(apiKey, 'POST', '/v1/sessions', body, gateway, signal);
      if (response.status !== 201) throw new Error(`the session was refused: ${await response.text()}`);
      return { instance, ...((await response.json()) as Omit<StagedSession, 'instance'>) };
    },
    watch(ticket, transport, gateway = 0) {
      const client = openRecordingClient({ transport, ticket, urls: [...urls.slice(gateway), ...urls.slice(0, gateway)] });
      clients.add(client);
      // A long run has thousands, one after the other.
      const close = (): Promise<void> => client.close().then(() => void clients.delete(client));
      return { ...client, close };
    },
    async untilReady() {
      await Promise.all([...gateways, ...workers].map((role) => role.untilReadyz(200)));
    },
    close: () => releasers.release(),
  };
}

function environment(upstream: string, adminKey: string, env: Environment = {}): Environment {
  return {
    ...NO_LIMITS,
    QRCAST_SECRET_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    QRCAST_ADMIN_KEY: adminKey,
    QRCAST_UPSTREAM_HOSTS: upstream,
    QRCAST_POLL_INTERVAL_MS: String(TEST_POLICY.intervalMs),
    QRCAST_CODE_TTL_MS: String(TEST_POLICY.codeTtlMs),
    QRCAST_ATTEMPT_MS: String(TEST_POLICY.attemptMs),
    QRCAST_DRAIN_MS: '0',
    ...env,
  };
}
