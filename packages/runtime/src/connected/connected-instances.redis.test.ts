import { randomBytes } from 'node:crypto';
import { callbackSchema } from '@qrcast/core/callback';
import type { Login, Said } from '@qrcast/core/connected-instance';
import { DEFAULT_POLICY } from '@qrcast/core/schedule';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { findKeys } from '../../test/find-keys.ts';
import { openTestRuntime, sampleSession, type TestRuntime } from '../../test/runtime.ts';
import { outboxOf, scoreOfMark } from '../../test/work-part.ts';
import type { NewAuditEntry } from '../audit/audit-log.ts';
import { sealCredentials } from '../keyring/credentials-vault.ts';
import { createKeyring } from '../keyring/keyring.ts';
import { checksKey, connectedCallbacksKey, connectedInstanceKey, connectedInstancesKey, sessionKey, tenantsKey } from '../redis/keys.ts';
import { openRedisSessions } from '../sessions/sessions-redis.ts';
import type { ConnectedInstances } from './connected.ts';
import { createConnectedInstances } from './connected-instances.ts';
import { connectedSettingsIn, keepsCredentials } from './connected-settings.ts';

const SECRET = { apiUrl: 'https://1101.api.green-api.com', apiToken: 'token-of-the-instance' };
const INSTANCE = '1101000001';
const NOW = 1_790_000_000_000;

let runtime: TestRuntime;
let now: number;
let audited: NewAuditEntry[];
const keyring = createKeyring([{ id: 'k1', key: randomBytes(32) }]);
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  runtime = openTestRuntime(inject('redisUrl'));
  opened.push(runtime);
  now = Date.now();
  audited = [];
  await tenant({ checkConnectedEvery: 60 });
});
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

async function tenant(fields: object): Promise<void> {
  await runtime.redis.hset(tenantsKey(runtime.namespace), 'acme', JSON.stringify({ callback: { url: 'x' }, ...fields }));
}

/** A process of its own, with connections of its own. */
function openProcess(own = openTestRuntime(inject('redisUrl'), runtime.namespace)): ConnectedInstances {
  if (own !== runtime) opened.push(own);
  return createConnectedInstances({ ...own, keyring, clock: { now: () => now }, audit: { record: (entry) => void audited.push(entry) } });
}

function login(fields: Partial<Login> = {}): Login {
  const { sessionId = 'ses_1' } = fields;
  return { tenantId: 'acme', instanceId: INSTANCE, sessionId, reference: null, instanceKey: 'key', loginAt: now, ...fields };
}

/** The credentials as a session leaves them. */
const leaveCredentials = (sessionId: string): Promise<unknown> =>
  runtime.redis.hset(sessionKey(runtime.namespace, sessionId), 'sealed', sealCredentials(keyring, sessionId, SECRET));

const lossAt = (at: number): Said => ({ state: 'notAuthorized', at, by: 'notification' });
const instanceKey = () => connectedInstanceKey(runtime.namespace, 'acme', INSTANCE);
async function toldOf(instanceId = INSTANCE) {
  const texts = await runtime.redis.lrange(connectedCallbacksKey(runtime.namespace, 'acme', instanceId), 0, -1);
  return texts.map((text) => callbackSchema.parse(JSON.parse(text)));
}

describe('a loss', () => {
  it('that many processes learn of at once is reported by one of them, and marked', async () => {
    const all = Array.from({ length: 5 }, () => openProcess());
    await all[0]?.remember(login());
    const results = await Promise.all(
      all.flatMap((one) => [one.said('acme', INSTANCE, lossAt(now)), one.said('acme', INSTANCE, lossAt(now + 1_000))]),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(await toldOf()).toHaveLength(1);
    expect(await scoreOfMark(runtime, `instance|acme|${INSTANCE}`)).toBe('0');
    expect(audited.filter(({ action }) => action === 'instance.disconnected')).toHaveLength(1);
  });

  it('that Redis lost with its last second is reported again under the same id', async () => {
    const connected = openProcess();
    await connected.remember(login());
    const before = await runtime.redis.hget(instanceKey(), 'record');
    await connected.said('acme', INSTANCE, lossAt(now));
    await runtime.redis.hset(instanceKey(), 'record', before ?? '');
    await connected.said('acme', INSTANCE, lossAt(now + 5_000));
    expect(new Set((await toldOf()).map(({ id }) => id)).size).toBe(1);
  });

  it('waits for its worker even while a new session connects the instance', async () => {
    const connected = openProcess();
    await connected.remember(login());
    await connected.said('acme', INSTANCE, lossAt(now));
    await connected.remember(login({ sessionId: 'ses_2', loginAt: now + 60_000 }));
    await connected.said('acme', INSTANCE, lossAt(now + 120_000));
    expect((await toldOf()).map(({ sessionId }) => sessionId)).toEqual(['ses_1', 'ses_2']);
  });

  it('of one tenant is not reported to another with the same instance', async () => {
    await runtime.redis.hset(tenantsKey(runtime.namespace), 'other', '{}');
    const connected = openProcess();
    await connected.remember(login());
    await connected.remember(login({ tenantId: 'other', sessionId: 'ses_2' }));
    await connected.duringLogout({ tenantId: 'other', instanceId: INSTANCE }, async () => ({ kind: 'loggedOut' }));
    expect(await connected.said('acme', INSTANCE, lossAt(now))).toBe(true);
    expect(await connected.said('other', INSTANCE, lossAt(now))).toBe(false);
  });
});

describe('our own logout', () => {
  it.each([
    ['accepted', { kind: 'loggedOut' }, 'logged_out'],
    ['without an answer', { kind: 'trouble', code: 'provider_timeout' }, null],
  ] as const)('%s: what the provider notifies of it is no loss', async (_how, outcome, end) => {
    const connected = openProcess();
    await connected.remember(login());
    now += 60_000;
    let during: boolean | null = null;
    await connected.duringLogout({ tenantId: 'acme', instanceId: INSTANCE }, async () => {
      if (end === null) during = await connected.said('acme', INSTANCE, lossAt(now)); // the notification came before the answer
      return outcome;
    });
    expect(during).toBe(end === null ? false : null);
    expect(await connected.find('acme', INSTANCE)).toMatchObject({ end: 'logged_out' });
    expect(await connected.said('acme', INSTANCE, lossAt(now + 2_000))).toBe(false);
    expect(await toldOf()).toEqual([]);
  });

  it('that failed does not hide a loss days later', async () => {
    const connected = openProcess();
    await connected.remember(login());
    await connected.duringLogout({ tenantId: 'acme', instanceId: INSTANCE }, async () => ({ kind: 'trouble', code: 'provider_error' }));
    now += 2 * 86_400_000;
    expect(await connected.said('acme', INSTANCE, lossAt(now))).toBe(true);
  });

  it('of an instance without a record creates none', async () => {
    await openProcess().duringLogout({ tenantId: 'acme', instanceId: INSTANCE }, async () => ({ kind: 'loggedOut' }));
    expect(await runtime.redis.exists(instanceKey())).toBe(0);
  });
});

describe('the credentials', () => {
  it('move from the session to the record, even if that was interrupted before', async () => {
    const connected = openProcess();
    await connected.remember(login()); // by the gateway, before the session's credentials were deleted
    await leaveCredentials('ses_1');
    await connected.remember(login());
    expect(await connected.credentials('acme', INSTANCE)).toEqual(SECRET);
    expect(await runtime.redis.hexists(sessionKey(runtime.namespace, 'ses_1'), 'sealed')).toBe(0);
    // Once more, after a crash between the two.
    await leaveCredentials('ses_1');
    await runtime.redis.del(outboxOf(runtime, 'checks|acme'));
    await connected.remember(login());
    expect(await runtime.redis.hexists(sessionKey(runtime.namespace, 'ses_1'), 'sealed')).toBe(0);
    expect(await scoreOfMark(runtime, 'checks|acme')).toBe('0');
    expect(audited.map(({ action }) => action)).toEqual(['token.kept']);
  });

  it('are not kept for a login that is already lost, or if they do not open', async () => {
    const connected = openProcess();
    await connected.remember(login());
    await connected.said('acme', INSTANCE, lossAt(now));
    await leaveCredentials('ses_1');
    await connected.remember(login());
    expect(await connected.credentials('acme', INSTANCE)).toBeNull();
    await runtime.redis.hset(sessionKey(runtime.namespace, 'ses_2'), 'sealed', 'k9.damaged');
    await connected.remember(login({ sessionId: 'ses_2', loginAt: now + 60_000 }));
    expect(await connected.find('acme', INSTANCE)).toMatchObject({ sessionId: 'ses_2' });
    expect(await connected.credentials('acme', INSTANCE)).toBeNull();
    for (const id of ['ses_1', 'ses_2']) expect(await runtime.redis.hexists(sessionKey(runtime.namespace, id), 'sealed')).toBe(0);
  });

  it.each([
    ['switched off', {}],
    ['nothing kept', { checkConnectedEvery: 60, keepConnectedDays: 0 }],
    ['on its way out', { checkConnectedEvery: 60, isLeaving: true }],
  ])('of a tenant %s are deleted with the session', async (_how, fields) => {
    await leaveCredentials('ses_1');
    await tenant(fields);
    const connected = openProcess();
    await connected.remember(login());
    expect(await runtime.redis.hexists(instanceKey(), 'sealed')).toBe(0);
    expect(await runtime.redis.hexists(sessionKey(runtime.namespace, 'ses_1'), 'sealed')).toBe(0);
    expect(await runtime.redis.zcard(checksKey(runtime.namespace, 'acme'))).toBe(0);
  });

  it('of an older login are replaced by those of a newer one, and a late older login adds none', async () => {
    const connected = openProcess();
    await leaveCredentials('ses_1');
    await connected.remember(login());
    const older = await runtime.redis.hget(instanceKey(), 'sealed');
    await leaveCredentials('ses_2');
    await connected.remember(login({ sessionId: 'ses_2', loginAt: now + 60_000 }));
    const newer = await runtime.redis.hget(instanceKey(), 'sealed');
    expect(newer).not.toBe(older);
    await leaveCredentials('ses_1');
    await connected.remember(login());
    expect(await runtime.redis.hget(instanceKey(), 'sealed')).toBe(newer);
    await connected.remember(login({ sessionId: 'ses_3', loginAt: now + 120_000 })); // as an older version wrote it: without credentials
    expect(await connected.credentials('acme', INSTANCE)).toBeNull();
    expect(audited.filter(({ action }) => action === 'token.deleted').map(({ outcome }) => outcome)).toEqual(['replaced']);
  });

  it('stay in a session whose login Redis has lost since', async () => {
    const sessions = openRedisSessions({ ...runtime, policy: DEFAULT_POLICY });
    opened.push(sessions);
    const session = sampleSession();
    const key = sessionKey(runtime.namespace, session.id);
    await sessions.create(session, sealCredentials(keyring, session.id, SECRET));
    const before = await runtime.redis.dumpBuffer(key);
    const connected = openProcess();
    for (const isLost of [true, false]) {
      const at = Date.now();
      const outcome = { kind: 'authorized', account: null } as const;
      await sessions.apply(session.id, { kind: 'answered', at, startedAt: at, jitter: 0, outcome });
      if (isLost) await runtime.redis.restore(key, 0, before, 'REPLACE');
      await connected.remember(login({ sessionId: session.id }));
      expect((await sessions.readSealed(session.id)) !== null).toBe(isLost);
    }
  });

  it('stay in a connected session only for a tenant with checks', async () => {
    const settingsOf = connectedSettingsIn(runtime);
    const keeps = async (tenantId: string) => keepsCredentials(await settingsOf(tenantId));
    for (const [fields, isKept] of [
      [{ checkConnectedEvery: 60 }, true],
      [{}, false],
    ] as const) {
      await tenant(fields);
      const sessions = openRedisSessions({ ...runtime, policy: DEFAULT_POLICY, keepsCredentials: keeps });
      opened.push(sessions);
      for (const kind of ['authorized', 'cancelled'] as const) {
        const session = sampleSession();
        await sessions.create(session, 'sealed');
        const at = Date.now();
        const outcome = { kind: 'authorized', account: null } as const;
        await sessions.apply(session.id, kind === 'cancelled' ? { kind, at } : { kind: 'answered', at, startedAt: at, jitter: 0, outcome });
        expect((await sessions.readSealed(session.id)) !== null).toBe(isKept && kind === 'authorized');
      }
    }
  });
});

describe('a tenant', () => {
  it('that is deleted leaves nothing, not even of a login that is being recorded', async () => {
    const connected = openProcess();
    for (let n = 0; n < 250; n++) await connected.remember(login({ instanceId: `11010${10_000 + n}`, sessionId: `ses_${n}` }));
    await leaveCredentials('ses_last');
    const racing = openProcess(
      new Proxy(runtime, {
        get(target, name) {
          if (name !== 'redis') return Reflect.get(target, name);
          return new Proxy(target.redis, {
            get(redis, command) {
              const given = Reflect.get(redis, command);
              if (command !== 'zremrangebyscore') return typeof given === 'function' ? given.bind(redis) : given;
              // Between the writing of the record and the last look at the tenant.
              return async () => {
                await redis.hdel(tenantsKey(target.namespace), 'acme');
                return 0;
              };
            },
          });
        },
      }),
    );
    await connected.forgetTenant('acme');
    await racing.remember(login({ instanceId: '1101999999', sessionId: 'ses_last' }));
    expect(await findKeys(runtime.redis, `${runtime.namespace}:{tenant:acme}:*`)).toEqual([]);
  });

  it('keeps its records for their period, and removes expired ones from the list', async () => {
    const connected = openProcess();
    now = NOW;
    await connected.remember(login({ loginAt: NOW }));
    const { redis, namespace } = runtime;
    now = Date.now();
    await connected.remember(login({ instanceId: '1101000002', sessionId: 'ses_2' }));
    const ids = await redis.zrange(connectedInstancesKey(namespace, 'acme'), 0, '-1');
    expect(ids).toContain('1101000002');
    expect(await redis.pttl(connectedInstancesKey(namespace, 'acme'))).toBeGreaterThan(0);
    expect(await redis.pttl(connectedInstanceKey(namespace, 'acme', '1101000002'))).toBeGreaterThan(29 * 86_400_000);
  });
});

describe('the records of a tenant', () => {
  const instances = Array.from({ length: 10 }, (_, i) => String(1_101_000_010 + i));
  const kept = async (): Promise<string[]> =>
    (await findKeys(runtime.redis, `${connectedInstanceKey(runtime.namespace, 'acme', '')}*`)).map((key) => key.slice(-10)).toSorted();

  it.each([
    ['are bounded: the oldest go, with their credentials', 3, instances.slice(-3)],
    ['(twin) stay where they are not too many', 10, instances],
  ])('%s', async (_what, maxInstances, left) => {
    const deps = { keyring, clock: { now: () => now }, maxInstances };
    const connected = createConnectedInstances({ ...runtime, ...deps, audit: { record: (entry) => void audited.push(entry) } });
    for (const [i, instanceId] of instances.entries()) {
      await leaveCredentials(`ses_${i}`);
      await connected.remember(login({ instanceId, sessionId: `ses_${i}`, loginAt: now + i }));
    }
    expect(await kept()).toEqual(left);
    expect((await runtime.redis.zrange(checksKey(runtime.namespace, 'acme'), 0, '-1')).toSorted()).toEqual(left);
    expect(audited.filter(({ action, outcome }) => action === 'token.deleted' && outcome === 'too_many')).toHaveLength(10 - left.length);
  });
});
