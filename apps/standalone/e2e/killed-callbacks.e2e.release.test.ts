/**
 * Workers in processes of their own are killed again and again during many deliveries. Nothing is
 * lost.
 */

import { afterEach, describe, expect, it } from 'vitest';
import { closeScenes, openScene } from '../test/callback-scene.ts';

afterEach(closeScenes);

describe('a callback', () => {
  it('is sent for every one of many changes, however often workers are killed in between', async () => {
    const { server, end, told, startWorker } = await openScene();
    server.answer(() => (server.received.length % 7 === 0 ? 500 : 204));
    const ended: string[] = [];
    for (let round = 0; round < 3; round++) {
      const worker = await startWorker();
      const before = server.received.length;
      const changes = Promise.all(Array.from({ length: 20 }, end));
      await server.until(before + 1 + round * 4); // during the deliveries, each time at another point
      await worker.kill();
      ended.push(...(await changes));
    }
    await startWorker();
    while (told().sessions.size < ended.length) await server.until(server.received.length + 1);
    expect(told().sessions).toEqual(new Set(ended));
    expect(told().ids.size).toBe(ended.length); // a message that came twice had one id
  });
});

describe('relayed notifications', () => {
  it('keep their order and are all sent, although the worker is killed in between', async () => {
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
