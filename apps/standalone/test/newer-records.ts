/** For tests of upgrades: what a later release could write into Redis, in forms that this one does not know. */

import {
  auditKey,
  connectedInstanceKey,
  relayLaneKey,
  sessionCallbacksKey,
  sessionChannel,
  sessionKey,
  statisticsKey,
  tenantAuditKey,
  tenantStatisticsKey,
  tenantsKey,
  wholeWork,
} from '@qrcast/runtime/redis/keys';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';

interface Written {
  readonly redis: RedisClient;
  readonly namespace: string;
}

/** In each record, so that a test recognises it. */
export const NEWER_WORD = 'forwarded';
export const NEWER_MARK = `${NEWER_WORD}|acme|1`;
const TENANT_ID = 'acme';
const INSTANCE_ID = '1101999999';
const HOUR_MS = 3_600_000;
const thisHour = (): number => Math.floor(Date.now() / HOUR_MS);

/** A change to a state that no release knows yet, published in a form that none knows. Resolves to the record. */
export async function changeSession(written: Written, sessionId: string): Promise<string> {
  const text = await writeState(written, sessionId, { kind: NEWER_WORD, notice: null });
  await written.redis.publish(sessionChannel(written.namespace, sessionId), '9\nof a later release');
  return text;
}

/** The later release leaves that state, and keeps a field that only it knows. */
export async function goOnWithSession(written: Written, sessionId: string): Promise<void> {
  await writeState(written, sessionId, { kind: 'waiting', notice: null }, { newField: NEWER_WORD });
}

async function writeState(written: Written, sessionId: string, state: object, fields: object = {}): Promise<string> {
  const record = JSON.parse((await sessionText(written, sessionId)) ?? '') as { version: number }; // a record of a session
  const next = { ...record, version: record.version + 1, state, ...fields };
  const text = JSON.stringify(next);
  await written.redis.hset(sessionKey(written.namespace, sessionId), 'version', next.version, 'record', text);
  return text;
}

/** One entry of each kind that is read one by one. */
export async function addEntries({ redis, namespace }: Written, sessionId: string): Promise<void> {
  const key = sessionKey(namespace, sessionId);
  const entry = JSON.stringify({ tenantId: TENANT_ID, action: `session.${NEWER_WORD}`, sessionId });
  for (const one of [auditKey(namespace), tenantAuditKey(namespace, TENANT_ID)]) await redis.xadd(one, '*', 'entry', entry);
  for (const one of [statisticsKey(namespace, thisHour()), tenantStatisticsKey(namespace, TENANT_ID, thisHour())])
    await redis.hset(one, NEWER_WORD, 7);
  await redis.hset(key, 'timeline', `${await redis.hget(key, 'timeline')}\n["f",1,"${NEWER_WORD}"]`);
  await redis.rpush(sessionCallbacksKey(namespace, sessionId), JSON.stringify({ type: `session.${NEWER_WORD}`, sessionId }));
  await redis.hset(connectedInstanceKey(namespace, TENANT_ID, INSTANCE_ID), 'record', `{"of":"${NEWER_WORD}"}`);
  await redis.zadd(wholeWork(namespace).outboxKey, 0, NEWER_MARK, 0, `session|${sessionId}`);
}

/** What stands in Redis of each kind. */
export async function readKept({ redis, namespace }: Written, sessionId: string) {
  return {
    marks: await redis.zrange(wholeWork(namespace).outboxKey, 0, '-1'),
    audit: JSON.stringify(await redis.xrange(tenantAuditKey(namespace, TENANT_ID), '-', '+')),
    statistics: Object.keys(await redis.hgetall(tenantStatisticsKey(namespace, TENANT_ID, thisHour()))),
    timeline: await redis.hget(sessionKey(namespace, sessionId), 'timeline'),
    callbacks: JSON.stringify(await redis.lrange(sessionCallbacksKey(namespace, sessionId), 0, -1)),
    connected: await redis.hget(connectedInstanceKey(namespace, TENANT_ID, INSTANCE_ID), 'record'),
  };
}

/** A notification at the head of an instance's lane. */
export async function addNotification({ redis, namespace }: Written, instanceId: string): Promise<void> {
  await redis.lpush(relayLaneKey(namespace, TENANT_ID, instanceId), `{"of":"${NEWER_WORD}"}`);
  await redis.zadd(wholeWork(namespace).outboxKey, 0, `relay|${TENANT_ID}|${instanceId}`);
}

export async function addTenantSetting(written: Written): Promise<void> {
  const record = JSON.parse((await tenantText(written)) ?? '') as object; // a record of a tenant
  await written.redis.hset(tenantsKey(written.namespace), TENANT_ID, JSON.stringify({ ...record, newSetting: NEWER_WORD }));
}

export const tenantText = ({ redis, namespace }: Written): Promise<string | null> => redis.hget(tenantsKey(namespace), TENANT_ID);

export const sessionText = ({ redis, namespace }: Written, sessionId: string): Promise<string | null> =>
  redis.hget(sessionKey(namespace, sessionId), 'record');
