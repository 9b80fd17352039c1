import { CUT } from '@qrcast/runtime/test/receiver';
import { describe, expect, it } from 'vitest';
import { prepareCallbacks, verified } from '../../test/callbacks.ts';

const { receiver, callbacks } = prepareCallbacks();

describe('relayed notifications', () => {
  const bodies = (count: number): string[] => Array.from({ length: count }, (_, i) => `{"n": ${i}, "big":12345678901234567890}`);
  const nOf = (body: string): number => JSON.parse(body).data.n;

  it('are signed, with the body unchanged', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ relay: server.url });
    const [body = ''] = bodies(1);
    await test.relay({ tenantId: tenant.id, instanceId: '1101' }, body);
    const [came] = await server.until(1);
    if (came === undefined) throw new Error('nothing came');
    expect(verified(tenant, came).type).toBe('provider.notification');
    expect(came.body).toContain(`"data":${body}}`);
  });

  it('of one instance keep their order whatever fails, one at a time, while others continue', async () => {
    const server = await receiver();
    const test = await callbacks([server], { workers: 3 });
    const tenant = await test.tenant({ relay: server.url });
    const failures = [500, CUT, 503, 404];
    server.answer(({ body }) => (nOf(body) % 3 === 1 ? (failures.pop() ?? 200) : 200));
    for (const body of bodies(12)) await test.relay({ tenantId: tenant.id, instanceId: '1101' }, body);
    await server.until(16);
    const order = server.received.map(({ body }) => nOf(body));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(12);
    expect(server.underWay.most).toBe(1);
    for (const one of server.received) verified(tenant, one);
  });

  it('of an instance wait while its first is not accepted; another instance does not', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ relay: server.url });
    let isDown = true;
    server.answer(({ body }) => (isDown && body.includes('held') ? 500 : 200));
    const held = { tenantId: tenant.id, instanceId: '1' };
    await test.relay(held, '{"held":1}');
    await test.relay(held, '{"held":2}');
    await test.relay({ tenantId: tenant.id, instanceId: '2' }, '{"free":1}');
    await server.until(1, ({ body }) => body.includes('free'));
    await server.until(3, ({ body }) => body.includes('"held":1'));
    expect(server.received.some(({ body }) => body.includes('"held":2'))).toBe(false);
    isDown = false;
    await server.until(1, ({ body }) => body.includes('"held":2'));
  });

  it('are dropped if the tenant no longer wants them', async () => {
    const server = await receiver();
    const test = await callbacks([server]);
    const tenant = await test.tenant({ callback: server.url });
    const lane = { tenantId: tenant.id, instanceId: '1' };
    await test.relay(lane, '{}');
    while (!(await test.relayLanes.isEmpty(lane)));
    expect(server.received).toEqual([]);
  });

  it('older than a day are dropped, and the next is sent', async () => {
    const server = await receiver();
    const test = await callbacks([server], { workers: 0 });
    const tenant = await test.tenant({ relay: server.url });
    const lane = { tenantId: tenant.id, instanceId: '1' };
    await test.relayLanes.push(lane, '{"old":1}', Date.now() - 86_400_001);
    await test.relay(lane, '{"new":1}');
    await test.startWorker();
    const [came] = await server.until(1);
    expect(came?.body).toContain('"new":1');
  });
});
