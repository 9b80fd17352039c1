/**
 * For tests: a gateway and a worker in processes with environments of their own, and the provider
 * over TLS behind a proxy.
 */

import type { WireSession } from '@qrcast/core/wire';
import { inject } from 'vitest';
import { type Cluster, type Created, openCluster } from './cluster.ts';
import { type Environment, type Program, spawnRole } from './role-process.ts';
import { openTlsFront, type TlsFront } from './tls-front.ts';

export interface Egress {
  readonly cluster: Cluster;
  /** The provider, which a proxy shows as `*.api.green-api.com`. */
  readonly front: TlsFront;
  /** The route of a proxy: every CONNECT leads to the provider. */
  readonly toProvider: () => { host: string; port: number };
  /** Starts both roles, and waits until they work. The releasers stop them. */
  start(env: Environment): Promise<Roles>;
  close(): Promise<void>;
}

export interface Roles {
  readonly url: string;
  readonly gateway: Program;
  readonly worker: Program;
  output(): string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  create(instance: ReturnType<Cluster['newInstance']>): Promise<Created>;
  /** Reads the session until it fits. Reading counts as watching. */
  until(sessionId: string, fits: (session: WireSession) => boolean): Promise<WireSession>;
  stop(): Promise<void>;
}

export async function openEgress(): Promise<Egress> {
  // The cluster's gateway only accepts notifications. The cluster has no worker.
  const cluster = await openCluster({ redisUrl: inject('redisUrl'), workers: 0 });
  const front = await openTlsFront(() => Number(new URL(cluster.simulator.url).port));
  const running = new Set<Roles>();
  return {
    cluster,
    front,
    toProvider: () => ({ host: '127.0.0.1', port: front.port }),
    async start(env) {
      const roles = await startRoles(cluster, { ...settingsOf(cluster, front), ...env }, () => running.delete(roles));
      running.add(roles);
      return roles;
    },
    async close() {
      for (const roles of [...running]) await roles.stop();
      await front.close();
      await cluster.close();
    },
  };
}

function settingsOf({ worker }: Cluster, front: TlsFront): Environment {
  return {
    PORT: '0',
    REDIS_URL: worker.redisUrl,
    QRCAST_NAMESPACE: worker.namespace,
    QRCAST_SECRET_KEYS: worker.secretKeys.map(({ id, key }) => `${id}:${key.toString('base64')}`).join(),
    QRCAST_POLL_INTERVAL_MS: '1500',
    QRCAST_CODE_TTL_MS: '120000',
    QRCAST_ATTEMPT_MS: '900000',
    QRCAST_DRAIN_MS: '0',
    QRCAST_LOG_LEVEL: 'trace',
    NODE_EXTRA_CA_CERTS: front.caFile,
  };
}

async function startRoles({ apiKey }: Cluster, env: Environment, onStop: () => void): Promise<Roles> {
  const gateway = spawnRole('gateway', env);
  const worker = spawnRole('worker', env);
  const [, url = ''] = await gateway.until(/"publicUrl":"([^"]+)"/);
  await worker.until(/worker is up/);
  const call: Roles['call'] = (method, path, body, headers = {}) =>
    fetch(url + path, {
      method,
      headers: { ...headers, authorization: `Bearer ${apiKey}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    url,
    gateway,
    worker,
    output: () => gateway.output() + worker.output(),
    call,
    async create({ idInstance: instanceId, apiToken }) {
      const response = await call('POST', '/v1/sessions', { instanceId, apiToken });
      if (!response.ok) throw new Error(`the session was refused: ${await response.text()}`);
      return (await response.json()) as Created;
    },
    until: (sessionId, fits) => untilFits(call, sessionId, fits),
    async stop() {
      onStop();
      await Promise.all([gateway.stop(), worker.stop()]);
    },
  };
}

async function untilFits(call: Roles['call'], sessionId: string, fits: (session: WireSession) => boolean): Promise<WireSession> {
  for (let etag = '"0"'; ; ) {
    const response = await call('GET', `/v1/sessions/${sessionId}?wait=20`, undefined, { 'if-none-match': etag });
    if (response.status === 304) continue;
    const { session } = (await response.json()) as { session: WireSession };
    if (fits(session)) return session;
    etag = response.headers.get('etag') ?? etag;
  }
}
