/**
 * For tests: a gateway, workers in processes of their own, and a tenant's server that the workers
 * call.
 */

import { openTestReceiver, type TestReceiver } from '@qrcast/runtime/test/receiver';
import { inject } from 'vitest';
import { type Cluster, openCluster } from './cluster.ts';
import { spawnWorker, type WorkerProcess } from './worker-process.ts';

const opened: { close(): Promise<void> }[] = [];
/** All scenes. */
export async function closeScenes(): Promise<void> {
  for (const one of opened.splice(0).reverse()) await one.close();
}

export interface Scene {
  readonly cluster: Cluster;
  readonly server: TestReceiver;
  startWorker(): Promise<WorkerProcess>;
  /** Creates a session and ends it. Resolves to its id. */
  end(): Promise<string>;
  /** The ids of the sessions whose end was reported, and of the messages. */
  told(): { readonly sessions: ReadonlySet<string>; readonly ids: ReadonlySet<string> };
}

export async function openScene(): Promise<Scene> {
  const server = await openTestReceiver();
  opened.push(server);
  const cluster = await openCluster({ redisUrl: inject('redisUrl'), workers: 0 });
  opened.push(cluster);
  await cluster.gateways[0]?.tenants.patch('acme', { callback: { url: server.url }, relay: { url: `${server.url}/relay` } });
  return {
    cluster,
    server,
    async startWorker() {
      const worker = await spawnWorker(cluster, { QRCAST_CALLBACK_HOSTS: server.url });
      opened.push(worker);
      return worker;
    },
    async end() {
      const { session } = await cluster.create(cluster.newInstance());
      await cluster.call('DELETE', `/v1/sessions/${session.id}`);
      return session.id;
    },
    told() {
      const events = server.received.filter(({ path }) => path === '/');
      return {
        sessions: new Set(events.map(({ body }) => JSON.parse(body).data.session.id as string)),
        ids: new Set(events.map(({ id }) => id)),
      };
    },
  };
}
