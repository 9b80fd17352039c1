/** What the edge of Redis damages, and how: generates the damage, and applies it to one victim. */

import { randomUUID } from 'node:crypto';
import { HOUR_MS } from '@qrcast/core/statistics';
import {
  auditKey,
  callbackKey,
  callbacksKey,
  checksKey,
  connectedCallbacksKey,
  connectedInstanceKey,
  connectedInstancesKey,
  gatewaysOfTenantKey,
  keyUsesKey,
  lastNotificationsKey,
  liveSessionsKey,
  passwordTriesKey,
  probeChannel,
  relayLaneKey,
  relayUseKey,
  revocationsChannel,
  revokedTicketsKey,
  sessionCallbacksKey,
  sessionChannel,
  sessionKey,
  settledCallbacksKey,
  shardKeys,
  tenantAuditKey,
  tenantInstanceKey,
  tenantRateKey,
  tenantSessionsKey,
  tenantStatisticsKey,
  tenantsChannel,
  tenantsKey,
  viewersKey,
  viewersOfTenantKey,
  wholeWork,
} from '@qrcast/runtime/redis/keys';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import type { Created, Tenant } from './stage.ts';
import { changedJson, hostileJson, hostileText, type JsonChange, jsonChange, render, type Text } from './values.ts';

/** A tenant and a watched session of its own, for one input. */
export interface Victim extends Created {
  readonly tenant: Tenant;
  readonly instanceId: string;
  /** Their values before the damage. */
  readonly record: object;
  readonly tenantRecord: object;
}

/** A damaged value: the real record with changes, or anything else. */
type Content =
  | { readonly kind: 'changed'; readonly json: readonly JsonChange[]; readonly cutAt: number }
  | { readonly kind: 'any'; readonly text: Text };

const content: fc.Arbitrary<Content> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('changed' as const),
      json: fc.array(jsonChange, { minLength: 1, maxLength: 3 }),
      cutAt: fc.oneof({ weight: 4, arbitrary: fc.constant(1_000) }, fc.nat(1_000)),
    }),
  },
  fc.record({ kind: fc.constant('any' as const), text: fc.oneof(hostileJson, hostileText) }),
);

const TYPES = ['string', 'list', 'set', 'zset', 'hash', 'stream'] as const;
type Type = (typeof TYPES)[number];

/** The victim's own keys. */
const OWN_KEYS: readonly ((ns: string, victim: Victim) => string)[] = [
  (ns, { sessionId }) => sessionKey(ns, sessionId),
  (ns, { sessionId }) => viewersKey(ns, sessionId),
  (ns, { sessionId }) => sessionCallbacksKey(ns, sessionId),
  (ns, { sessionId }) => passwordTriesKey(ns, sessionId),
  (ns, { tenant }) => tenantSessionsKey(ns, tenant.id),
  (ns, { tenant, instanceId }) => tenantInstanceKey(ns, tenant.id, instanceId),
  (ns, { tenant }) => liveSessionsKey(ns, tenant.id),
  (ns, { tenant }) => tenantRateKey(ns, tenant.id, 'requestsPerMinute'),
  (ns, { tenant }) => tenantRateKey(ns, tenant.id, 'webhookCallsPerMinute'),
  (ns, { tenant }) => gatewaysOfTenantKey(ns, tenant.id),
  (ns, { tenant }) => viewersOfTenantKey(ns, tenant.id),
  (ns, { tenant }) => revokedTicketsKey(ns, tenant.id),
  (ns, { tenant }) => lastNotificationsKey(ns, tenant.id),
  (ns, { tenant }) => tenantAuditKey(ns, tenant.id),
  (ns, { tenant, instanceId }) => connectedInstanceKey(ns, tenant.id, instanceId),
  (ns, { tenant }) => connectedInstancesKey(ns, tenant.id),
  (ns, { tenant, instanceId }) => connectedCallbacksKey(ns, tenant.id, instanceId),
  (ns, { tenant }) => checksKey(ns, tenant.id),
  (ns, { tenant }) => callbacksKey(ns, tenant.id),
  (ns, { tenant }) => settledCallbacksKey(ns, tenant.id),
  (ns, { tenant }) => callbackKey(ns, tenant.id, 'cbk_1'),
  (ns, { tenant, instanceId }) => relayLaneKey(ns, tenant.id, instanceId),
  (ns, { tenant }) => relayUseKey(ns, tenant.id),
  (ns, { tenant }) => tenantStatisticsKey(ns, tenant.id, Math.floor(Date.now() / HOUR_MS)),
];

/** One entry of a shared key. */
const SHARED = ['outbox', 'due', 'watch', 'busy', 'poked', 'tenants', 'key uses', 'audit', 'poll job', 'callback job', 'lost job'] as const;

export type RedisInput =
  | { readonly kind: 'publish'; readonly channel: 'session' | 'tenants' | 'revocations' | 'probe'; readonly content: Content }
  | { readonly kind: 'record'; readonly isTold: boolean; readonly content: Content }
  | { readonly kind: 'tenant'; readonly content: Content }
  | { readonly kind: 'type'; readonly nth: number; readonly type: Type; readonly content: Content }
  | { readonly kind: 'entry'; readonly list: 'session' | 'instance' | 'lane'; readonly content: Content }
  | { readonly kind: 'shared'; readonly where: (typeof SHARED)[number]; readonly content: Content };

export const redisInput: fc.Arbitrary<RedisInput> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      channel: fc.constantFrom('session', 'tenants', 'revocations', 'probe'),
      content,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('record' as const), isTold: fc.boolean(), content }) },
  fc.record({ kind: fc.constant('tenant' as const), content }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('type' as const),
      nth: fc.nat(OWN_KEYS.length - 1),
      type: fc.constantFrom(...TYPES),
      content,
    }),
  },
  fc.record({ kind: fc.constant('entry' as const), list: fc.constantFrom('session', 'instance', 'lane'), content }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('shared' as const), where: fc.constantFrom(...SHARED), content }) },
);

/** Each of the victim's own keys once as each type. */
export const EVERY_TYPE: readonly RedisInput[] = OWN_KEYS.flatMap((_, nth) =>
  TYPES.map((type) => ({ kind: 'type' as const, nth, type, content: { kind: 'changed' as const, json: [], cutAt: 1_000 } })),
);

const bytes = (latin1: string): Buffer => Buffer.from(latin1, 'latin1');

function contentOf(one: Content, real: object): Buffer {
  if (one.kind === 'any') return bytes(render(one.text));
  const text = changedJson(real, one.json);
  return bytes(text.slice(0, Math.ceil((one.cutAt / 1_000) * text.length)));
}

export async function harm(redis: Redis, ns: string, input: RedisInput, victim: Victim): Promise<void> {
  const { sessionId, tenant, record } = victim;
  const real = input.kind === 'tenant' ? victim.tenantRecord : record;
  const given = contentOf(input.content, real);
  switch (input.kind) {
    case 'publish': {
      const channels = {
        session: sessionChannel(ns, sessionId),
        tenants: tenantsChannel(ns),
        revocations: revocationsChannel(ns),
        probe: probeChannel(ns, 'any'),
      };
      await redis.publish(channels[input.channel], given);
      break;
    }
    case 'record':
      await redis.hset(sessionKey(ns, sessionId), 'record', given);
      // This message cannot be parsed, so the watchers read the record instead.
      await redis.publish(sessionChannel(ns, sessionId), input.isTold ? given : '');
      break;
    case 'tenant':
      await redis.hset(tenantsKey(ns), tenant.id, given);
      await redis.publish(tenantsChannel(ns), tenant.id);
      break;
    case 'type': {
      const key = OWN_KEYS[input.nth]?.(ns, victim) ?? '';
      await redis.del(key);
      await writeAs(redis, input.type, key, given);
      break;
    }
    case 'entry':
      await harmEntry(redis, ns, input.list, given, victim);
      break;
    case 'shared':
      await harmShared(redis, ns, input.where, given, victim);
      break;
    default:
      input satisfies never;
  }
}

async function harmEntry(redis: Redis, ns: string, list: 'session' | 'instance' | 'lane', given: Buffer, victim: Victim): Promise<void> {
  const { sessionId, tenant, instanceId } = victim;
  const marks = {
    session: `session|${sessionId}`,
    instance: `instance|${tenant.id}|${instanceId}`,
    lane: `relay|${tenant.id}|${instanceId}`,
  };
  const lists = {
    session: sessionCallbacksKey(ns, sessionId),
    instance: connectedCallbacksKey(ns, tenant.id, instanceId),
    lane: relayLaneKey(ns, tenant.id, instanceId),
  };
  await redis.rpush(lists[list], given);
  await redis.zadd(wholeWork(ns).outboxKey, 0, marks[list]);
}

async function harmShared(redis: Redis, ns: string, where: (typeof SHARED)[number], given: Buffer, victim: Victim): Promise<void> {
  const [due, watch, busy, poked] = shardKeys(ns, given.length % 32);
  switch (where) {
    case 'outbox':
      return void (await redis.zadd(wholeWork(ns).outboxKey, 0, given));
    case 'due':
      return void (await redis
        .multi()
        .zadd(due, 0, given)
        .zadd(watch, Date.now() + 60_000, given)
        .exec());
    case 'watch':
      return void (await redis.zadd(watch, 0, given));
    case 'busy':
      return void (await redis.zadd(busy, Date.now() + 60_000, given));
    case 'poked':
      return void (await redis.hset(poked, given, given));
    case 'tenants':
      await redis.hset(tenantsKey(ns), victim.tenant.id, given);
      return void (await redis.publish(tenantsChannel(ns), given));
    case 'key uses':
      return void (await redis.hset(keyUsesKey(ns), given, given));
    case 'audit':
      return void (await redis.xadd(auditKey(ns), '*', 'entry', given));
    default: {
      const queue = `${wholeWork(ns).queuePrefix}:${where === 'callback job' ? 'callbacks' : 'polls'}`;
      const id = `foreign-${randomUUID()}`;
      if (where !== 'lost job')
        await redis.hset(`${queue}:${id}`, { name: where === 'poll job' ? 'poke' : 'deliver', data: given, opts: '{}', timestamp: '1' });
      await redis.multi().lpush(`${queue}:wait`, id).zadd(`${queue}:marker`, 0, '0').exec();
    }
  }
}

async function writeAs(redis: Redis, as: Type, key: string, given: Buffer): Promise<void> {
  switch (as) {
    case 'string':
      return void (await redis.set(key, given));
    case 'list':
      return void (await redis.rpush(key, given));
    case 'set':
      return void (await redis.sadd(key, given));
    case 'zset':
      return void (await redis.zadd(key, 0, given));
    case 'hash':
      return void (await redis.hset(key, 'record', given));
    case 'stream':
      return void (await redis.xadd(key, '*', 'entry', given));
    default:
      as satisfies never;
  }
}
