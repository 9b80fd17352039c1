/** Workers in processes of their own, killed at every point between a session's change and its delivery: nothing is lost. */

import { openTestReceiver, type TestReceiver } from '@qrcast/runtime/test-receiver';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { type Cluster, openCluster } from './test-cluster.ts';
import { spawnWorker, type WorkerProcess } from './test-worker-process.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

interface Scene {
  readonly cluster: Cluster;
  readonly server: TestReceiver;
  startWorker(): Promise<WorkerProcess>;
  /** A session begins and ends; resolves to its id. */
  end(): Promise<string>;
  /** Ids of the sessions whose end was told, and of the messages. */
  told(): { readonly sessions: ReadonlySet<string>; readonly ids: ReadonlySet<string> };
}

async function openScene(): Promise<Scene> {
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

describe('a callback', () => {
  it('of a change made while no worker runs is sent by the first that does', async () => {
    const { server, end, told, startWorker } = await openScene();
    const sessionId = await end();
    await startWorker();
    await server.until(1);
    expect([...told().sessions]).toEqual([sessionId]);
  });

  it('under way when its worker is killed is sent again by another, as the same message', async () => {
    const { server, end, startWorker } = await openScene();
    server.answer(() => () => undefined); // never
    const worker = await startWorker();
    await end();
    const [first] = await server.until(1);
    await worker.kill();
    server.answer(() => 204);
    await startWorker();
    const [, second] = await server.until(2);
    expect(second?.id).toBe(first?.id);
  });

  it('is told of every one of many changes, however often workers are killed among them', async () => {
    const { server, end, told, startWorker } = await openScene();
    server.answer(() => (server.received.length % 7 === 0 ? 500 : 204));
    const ended: string[] = [];
    for (let round = 0; round < 3; round++) {
      const worker = await startWorker();
      const before = server.received.length;
      const changes = Promise.all(Array.from({ length: 20 }, end));
      await server.until(before + 1 + round * 4); // in the thick of it, each time elsewhere
      await worker.kill();
      ended.push(...(await changes));
    }
    await startWorker();
    while (told().sessions.size < ended.length) await server.until(server.received.length + 1);
    expect(told().sessions).toEqual(new Set(ended));
    expect(told().ids.size).toBe(ended.length); // what came twice came under one id
  });
});

describe('relayed notifications', () => {
  it('keep their order and are all sent, though the worker is killed among them', async () => {
    const { cluster, server, startWorker } = await openScene();
    const webhookToken = 'wt_of-this-test-0123456789';
    await cluster.gateways[0]?.tenants.adopt('acme', { apiKey: `qk_${'a'.repeat(43)}`, webhookToken });
    async function notify(n: number): Promise<void> {
      const response = await fetch(`${cluster.gateways[0]?.publicUrl}/v1/webhooks/green-api/acme`, {
        method: 'POST',
        headers: { authorization: `Bearer ${webhookToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ typeWebhook: 'incomingMessageReceived', instanceData: { idInstance: 1101 }, n }),
      });
      expect(response.status).toBe(200);
    }
    const worker = await startWorker();
    for (let n = 0; n < 10; n++) await notify(n);
    await server.until(3);
    await worker.kill();
    for (let n = 10; n < 20; n++) await notify(n);
    await startWorker();
    await server.until(1, ({ body }) => JSON.parse(body).data.n === 19);
    const order = server.received.map(({ body }) => JSON.parse(body).data.n as number);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect([...new Set(order)]).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });
});
