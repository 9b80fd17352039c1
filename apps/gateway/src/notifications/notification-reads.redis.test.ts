import { sessionKey, tenantsKey } from '@qrcast/runtime/redis/keys';
import { openRedisMonitor, type RedisMonitor } from '@qrcast/runtime/test/monitor';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { ADMIN_KEY, openTestGateway, type TestGateway } from '../../test/gateway.ts';

let test: TestGateway;
let monitor: RedisMonitor;
const commands: string[][] = [];
beforeAll(async () => {
  test = await openTestGateway();
  monitor = await openRedisMonitor(inject('redisServers'));
  monitor.on('monitor', (_time, args) => void commands.push(args));
  await test.call('PATCH', `/v1/admin/tenants/${test.tenant.id}`, {
    secret: ADMIN_KEY,
    body: { relay: { url: 'https://hooks.example.com/relay' } },
  });
});
afterAll(async () => {
  monitor.disconnect();
  await test.close();
});
beforeEach(() => void commands.splice(0));

/** How often Redis was asked for a field of this hash since the test began. */
async function readsOf(key: string, field: string): Promise<number> {
  const mark = `mark-${key}-${commands.length}`;
  await test.node.redis.echo(mark);
  while (!commands.some((args) => args.includes(mark))) await new Promise((resolve) => monitor.once('monitor', resolve));
  return commands.filter(([name, ...args]) => /^hm?get$/i.test(name ?? '') && args[0] === key && args.includes(field)).length;
}

async function notify(body: unknown): Promise<void> {
  const { status } = await test.call('POST', `/v1/webhooks/green-api/${test.tenant.id}`, { secret: test.tenant.webhookToken, body });
  expect(status).toBe(200);
}

it('reads session and tenant once for a notification that changes the session', async () => {
  const { session } = await test.create();
  await test.call('GET', `/v1/sessions/${session.id}`); // watched, so it waits for a code or a password
  commands.splice(0);
  const timestamp = Math.floor(Date.now() / 1000) + 2; // after the second in which the attempt began
  const instanceData = { idInstance: Number(session.instanceId) };
  await notify({ typeWebhook: 'stateInstanceChanged', instanceData, timestamp, stateInstance: 'pendingPassword' });
  const reads = [
    await readsOf(sessionKey(test.namespace, session.id), 'record'),
    await readsOf(tenantsKey(test.namespace), test.tenant.id),
  ];
  expect(reads).toEqual([1, 1]);
  expect((await test.node.sessions.find(session.id))?.state.kind).toBe('password');
});

it('reads the tenant once for a message that is forwarded', async () => {
  await notify({ typeWebhook: 'incomingMessageReceived', instanceData: { idInstance: 1101999999 } });
  expect(await readsOf(tenantsKey(test.namespace), test.tenant.id)).toBe(1);
});
