/**
 * For tests: a cluster whose tenant gets callbacks about its instances, and what Redis stores about
 * them.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { createTenantSchema } from '@qrcast/core/tenant-requests';
import { createLog } from '@qrcast/runtime/log';
import { checksKey, connectedInstanceKey, type Namespace } from '@qrcast/runtime/redis/keys';
import { connectRedis, disconnectRedis } from '@qrcast/runtime/redis/redis';
import { createReleasers } from '@qrcast/runtime/releasers';
import { openTestReceiver, type Received, type TestReceiver } from '@qrcast/runtime/test/receiver';
import type { Instance } from '@qrcast/simulator/instance';
import { startWorker } from '@qrcast/worker/worker';
import type { Redis } from 'ioredis';
import { inject } from 'vitest';
import type { z } from 'zod';
import { type Cluster, type ClusterOptions, openCluster } from './cluster.ts';

/** Scenes of several tests share one thread. */
const LOOK_AGAIN_MS = 20;

export interface ConnectedScene {
  readonly cluster: Cluster;
  readonly server: TestReceiver;
  readonly redis: Redis;
  patch(fields: Partial<Omit<z.output<typeof createTenantSchema>, 'id'>> & { suspended?: boolean }): Promise<void>;
  /** Starts another worker, in this process. */
  startWorker(): Promise<void>;
  /** Watches a session of the instance until it is connected. Resolves to its id. */
  connect(instance: Instance, body?: Record<string, unknown>): Promise<string>;
  /**
   * Sends a notification as the provider does. Resolves once it is answered 200.
   *
   * @param at Unix ms
   */
  notify(instance: Instance, state: string, at?: number): Promise<void>;
  /** Resolves to the callbacks about losses, once there are so many. */
  untilLost(count: number): Promise<readonly Lost[]>;
  lost(): readonly Lost[];
  /**
   * Waits until all earlier callbacks have been sent: it connects another instance, loses it, and
   * waits for that callback.
   */
  settle(): Promise<void>;
  record(instance: Instance): Promise<Record<string, unknown> | null>;
  edit(instance: Instance, fields: Record<string, unknown>): Promise<void>;
  sealed(instance: Instance): Promise<string | null>;
  untilSealed(instance: Instance, isThere: boolean): Promise<void>;
  isChecked(instance: Instance): Promise<boolean>;
  close(): Promise<void>;
}

export interface Lost {
  readonly id: string;
  readonly instanceId: string;
  readonly reference: string | null;
  readonly sessionId: string;
  readonly connectedAt: number;
  readonly disconnectedAt: number;
  readonly providerState: string;
  readonly foundBy: string;
}

const isLost = ({ body }: Received): boolean => body.includes('"type":"instance.disconnected"');
const lostOf = ({ id, body }: Received): Lost => ({ id, ...JSON.parse(body).data.instance });

export async function openConnectedScene(options: Partial<ClusterOptions> = {}): Promise<ConnectedScene> {
  const releasers = createReleasers();
  const server = await openTestReceiver();
  releasers.push('server', () => server.close());
  const cluster = await openCluster({ redisUrl: inject('redisUrl'), callbackHosts: [server.url], ...options });
  releasers.push('cluster', () => cluster.close());
  const redis = connectRedis(inject('redisUrl'), 'commands', createLog('test', 'silent'));
  releasers.push('redis', () => disconnectRedis(redis));
  const [gateway] = cluster.gateways;
  if (gateway === undefined) throw new Error('there is no gateway');
  await gateway.tenants.patch('acme', { callback: { url: server.url } });
  return {
    cluster,
    server,
    redis,
    async patch(fields) {
      await gateway.tenants.patch('acme', fields);
    },
    async startWorker() {
      const worker = await startWorker({ ...cluster.worker, log: createLog('test', 'silent') });
      releasers.push('worker', () => worker.close(1_000));
    },
    connect: (instance, body) => connect(cluster, instance, body),
    notify: (instance, state, at) => notify(cluster, instance, state, at),
    untilLost: async (count) => (await server.until(count, isLost)).map(lostOf),
    lost: () => server.received.filter(isLost).map(lostOf),
    settle: () => settle(cluster, server),
    ...createStoredInstances(redis, cluster.worker.namespace),
    close: () => releasers.release(),
  };
}

async function connect(cluster: Cluster, instance: Instance, body: Record<string, unknown> = {}): Promise<string> {
  const { session, ticket } = await cluster.create(instance, body);
  const viewer = cluster.view(ticket);
  await viewer.until(({ state }) => state === 'showing');
  instance.scan();
  await viewer.until(({ state }) => state === 'connected');
  return session.id;
}

async function notify(
  { gateways, webhookToken }: Cluster,
  { idInstance }: Instance,
  state: string,
  at: number = Date.now(),
): Promise<void> {
  const response = await fetch(`${gateways[0]?.publicUrl}/v1/webhooks/green-api/acme`, {
    method: 'POST',
    headers: { authorization: `Bearer ${webhookToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      typeWebhook: 'stateInstanceChanged',
      instanceData: { idInstance: Number(idInstance), wid: '', typeInstance: 'v3' },
      timestamp: Math.floor(at / 1_000),
      stateInstance: state,
    }),
  });
  if (response.status !== 200) throw new Error(`the notification was answered ${response.status}`);
}

async function settle(cluster: Cluster, server: TestReceiver): Promise<void> {
  const other = cluster.newInstance();
  other.setWebhook(null);
  const sessionId = await connect(cluster, other);
  await notify(cluster, other, 'notAuthorized');
  await server.until(1, (one) => isLost(one) && one.body.includes(sessionId));
}

/** What Redis stores about the tenant's connected instances. */
function createStoredInstances(
  redis: Redis,
  namespace: Namespace,
): Pick<ConnectedScene, 'record' | 'edit' | 'sealed' | 'untilSealed' | 'isChecked'> {
  const keyOf = ({ idInstance }: Instance): string => connectedInstanceKey(namespace, 'acme', idInstance);
  return {
    async record(instance) {
      const text = await redis.hget(keyOf(instance), 'record');
      return text === null ? null : JSON.parse(text);
    },
    async edit(instance, fields) {
      const text = await redis.hget(keyOf(instance), 'record');
      await redis.hset(keyOf(instance), 'record', JSON.stringify({ ...JSON.parse(text ?? '{}'), ...fields }));
    },
    sealed: (instance) => redis.hget(keyOf(instance), 'sealed'),
    async untilSealed(instance, isThere) {
      while (((await redis.hexists(keyOf(instance), 'sealed')) === 1) !== isThere) await delay(LOOK_AGAIN_MS);
    },
    isChecked: async ({ idInstance }) => (await redis.zscore(checksKey(namespace, 'acme'), idInstance)) !== null,
  };
}
