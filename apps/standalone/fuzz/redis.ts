/**
 * The edge of Redis: values that another program, another version of ours or a damaged disk leaves
 * in a tenant's own keys, in one entry of a shared key, and on the channels. A shared key is never
 * destroyed as a whole, because there is no service without it.
 */

import { randomUUID } from 'node:crypto';
import { sessionKey, tenantsKey } from '@qrcast/runtime/redis/keys';
import type { Instance } from '@qrcast/simulator/instance';
import type { Redis } from 'ioredis';
import { WebSocket } from 'ws';
import { harm, type RedisInput, redisInput, type Victim } from './redis-harm.ts';
import { ANSWER_LIMIT_MS, type Edge, type Seen } from './run-edge.ts';
import type { Stage } from './stage.ts';

/** The used part of the stage. */
export interface RedisStage extends Pick<Stage, 'namespace' | 'adminKey' | 'newTenant' | 'create' | 'call'> {
  readonly simulator: { createInstance(): Pick<Instance, 'idInstance' | 'apiToken'> };
  readonly gateway: Pick<Stage['gateway'], 'port'>;
}

export function redisEdge(stage: RedisStage, redis: Redis): Edge<RedisInput> {
  return { name: 'Redis', input: redisInput, batchSize: 10, send: (input) => send(stage, redis, input) };
}

async function send(stage: RedisStage, redis: Redis, input: RedisInput): Promise<Seen> {
  const { namespace: ns, adminKey } = stage;
  const victim = await openVictim(stage, redis);
  await harm(redis, ns, input, victim);
  const own = await use(stage, victim);
  victim.close();
  // A record that cannot be read is answered as `unavailable`, to its tenant only.
  const seen: Seen[] = own.map(({ statuses, text, isSettled }) => ({
    statuses: statuses.filter((status) => status !== 503),
    text,
    isSettled,
  }));
  seen.push(await ask(stage, 'GET', '/v1/admin/tenants', adminKey), await ask(stage, 'GET', '/v1/admin/audit', adminKey));
  await stage.call('DELETE', `/v1/admin/tenants/${victim.tenant.id}`, adminKey);
  await redis.hdel(tenantsKey(ns), victim.tenant.id);
  return { statuses: seen.flatMap(({ statuses }) => statuses), text: seen.map(({ text }) => text).join('\n'), isSettled: true };
}

async function openVictim(stage: RedisStage, redis: Redis): Promise<Victim & { close(): void }> {
  const { namespace: ns } = stage;
  const tenant = await stage.newTenant(`victim-${randomUUID().slice(0, 12)}`);
  const instance = stage.simulator.createInstance();
  const created = await stage.create(tenant, instance);
  const socket = await watch(stage.gateway.port(), created.ticket);
  const [record, tenantRecord] = await Promise.all([
    redis.hget(sessionKey(ns, created.sessionId), 'record'),
    redis.hget(tenantsKey(ns), tenant.id),
  ]);
  return {
    ...created,
    tenant,
    instanceId: instance.idInstance,
    record: JSON.parse(record ?? '{}') as object,
    tenantRecord: JSON.parse(tenantRecord ?? '{}') as object,
    close: () => socket.terminate(),
  };
}

/** Resolves once the session's state was told, or the connection closed. */
async function watch(port: number, ticket: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/ws`, ['qrcast.v1']);
  socket.on('error', () => undefined); // 'close' follows
  await new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('a new session was told no state')), ANSWER_LIMIT_MS);
    socket.once('close', () => clearTimeout(limit));
    socket.once('open', () => socket.send(JSON.stringify({ type: 'subscribe', ticket })));
    socket.on('message', (data) => /"state":"(waiting|showing)"/.test(String(data)) && resolve(null));
    socket.once('close', resolve);
  });
  return socket;
}

/** What the victim's own viewers and callers do meanwhile. */
async function use(stage: RedisStage, { tenant, sessionId, ticket, instanceId }: Victim): Promise<Seen[]> {
  const notification = {
    typeWebhook: 'stateInstanceChanged',
    instanceData: { idInstance: Number(instanceId) },
    timestamp: 1,
    stateInstance: 'starting',
  };
  return Promise.all([
    ask(stage, 'GET', `/v1/sessions/${sessionId}`, tenant.apiKey),
    ask(stage, 'GET', '/v1/sessions', tenant.apiKey),
    ask(stage, 'GET', '/v1/callbacks', tenant.apiKey),
    ask(stage, 'GET', '/v1/audit', tenant.apiKey),
    ask(stage, 'POST', `/v1/sessions/${sessionId}/resume`, ticket),
    ask(stage, 'POST', `/v1/sessions/${sessionId}/password`, ticket, { password: 'wrong' }),
    ask(stage, 'POST', `/v1/webhooks/green-api/${tenant.id}`, tenant.webhookToken, notification),
  ]);
}

async function ask({ call }: RedisStage, method: string, path: string, secret: string, body?: object): Promise<Seen> {
  const answer = await call(method, path, secret, body);
  return { statuses: [answer.status], text: await answer.text(), isSettled: true };
}
