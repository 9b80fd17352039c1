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
  const { namespace: ns } = stage;

  async function openVictim(): Promise<Victim & { close(): void }> {
    const tenant = await stage.newTenant(`victim-${randomUUID().slice(0, 12)}`);
    const instance = stage.simulator.createInstance();
    const created = await stage.create(tenant, instance);
    const socket = new WebSocket(`ws://127.0.0.1:${stage.gateway.port()}/v1/ws`, ['qrcast.v1']);
    socket.on('error', () => undefined); // 'close' follows
    await new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error('a new session was told no state')), ANSWER_LIMIT_MS);
      socket.once('close', () => clearTimeout(limit));
      socket.once('open', () => socket.send(JSON.stringify({ type: 'subscribe', ticket: created.ticket })));
      socket.on('message', (data) => /"state":"(waiting|showing)"/.test(String(data)) && resolve(null));
      socket.once('close', resolve);
    });
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

  /** What the victim's own viewers and callers do meanwhile. */
  async function use({ tenant, sessionId, ticket, instanceId }: Victim): Promise<Seen[]> {
    const notification = {
      typeWebhook: 'stateInstanceChanged',
      instanceData: { idInstance: Number(instanceId) },
      timestamp: 1,
      stateInstance: 'starting',
    };
    return Promise.all([
      ask('GET', `/v1/sessions/${sessionId}`, tenant.apiKey),
      ask('GET', '/v1/sessions', tenant.apiKey),
      ask('GET', '/v1/callbacks', tenant.apiKey),
      ask('GET', '/v1/audit', tenant.apiKey),
      ask('POST', `/v1/sessions/${sessionId}/resume`, ticket),
      ask('POST', `/v1/sessions/${sessionId}/password`, ticket, { password: 'wrong' }),
      ask('POST', `/v1/webhooks/green-api/${tenant.id}`, tenant.webhookToken, notification),
    ]);
  }

  async function ask(method: string, path: string, secret: string, body?: object): Promise<Seen> {
    const answer = await stage.call(method, path, secret, body);
    return { statuses: [answer.status], text: await answer.text(), isSettled: true };
  }

  return {
    name: 'Redis',
    input: redisInput,
    batchSize: 10,
    async send(input) {
      const victim = await openVictim();
      await harm(redis, ns, input, victim);
      const own = await use(victim);
      victim.close();
      // A record that cannot be read is answered as `unavailable`, to its tenant only.
      const seen: Seen[] = own.map(({ statuses, text, isSettled }) => ({
        statuses: statuses.filter((status) => status !== 503),
        text,
        isSettled,
      }));
      seen.push(await ask('GET', '/v1/admin/tenants', stage.adminKey), await ask('GET', '/v1/admin/audit', stage.adminKey));
      await stage.call('DELETE', `/v1/admin/tenants/${victim.tenant.id}`, stage.adminKey);
      await redis.hdel(tenantsKey(ns), victim.tenant.id);
      return { statuses: seen.flatMap(({ statuses }) => statuses), text: seen.map(({ text }) => text).join('\n'), isSettled: true };
    },
  };
}
