/**
 * Records of connected instances that cannot be read: another version, another program or a damaged
 * disk wrote them. They count as none, and the tenant's other instances go on.
 */

import { randomBytes } from 'node:crypto';
import type { Login } from '@qrcast/core/connected-instance';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { openTestRuntime, type TestRuntime } from '../../test/runtime.ts';
import { sealCredentials } from '../keyring/credentials-vault.ts';
import { createKeyring } from '../keyring/keyring.ts';
import { createLog } from '../log.ts';
import { checksKeepKey, connectedInstanceKey, sessionKey, tenantsKey } from '../redis/keys.ts';
import type { ConnectedInstances } from './connected.ts';
import { createConnectedInstances } from './connected-instances.ts';

const SECRET = { apiUrl: 'https://1101.api.green-api.com', apiToken: 'token-of-the-instance' };
const BAD = '1101000001';
const GOOD = '1101000002';
const keyring = createKeyring([{ id: 'k1', key: randomBytes(32) }]);

let runtime: TestRuntime;
let connected: ConnectedInstances;
let logged: string[];
let now: number;

beforeEach(async () => {
  runtime = openTestRuntime(inject('redisUrl'));
  logged = [];
  now = Date.now();
  const log = createLog('test', 'warn', { write: (line) => void logged.push(line) });
  connected = createConnectedInstances({ ...runtime, keyring, log, clock: { now: () => now } });
  await runtime.redis.hset(tenantsKey(runtime.namespace), 'acme', JSON.stringify({ callback: { url: 'x' }, checkConnectedEvery: 60 }));
  for (const instanceId of [BAD, GOOD]) await connected.remember(await login(instanceId, `ses_${instanceId}`));
});

afterEach(() => runtime.close());

/** A login whose session still has its credentials. */
async function login(instanceId: string, sessionId: string): Promise<Login> {
  const sealed = sealCredentials(keyring, sessionId, SECRET);
  await runtime.redis.hset(sessionKey(runtime.namespace, sessionId), 'sealed', sealed);
  return { tenantId: 'acme', instanceId, sessionId, reference: null, instanceKey: 'key', loginAt: now };
}

const keyOf = (instanceId: string): string => connectedInstanceKey(runtime.namespace, 'acme', instanceId);
const isKept = async (instanceId: string): Promise<boolean> => (await runtime.redis.hexists(keyOf(instanceId), 'sealed')) === 1;

describe.each(['{"unknown":', '{"instanceId":"1101000001"}', ''])('a record %j', (text) => {
  beforeEach(() => runtime.redis.hset(keyOf(BAD), 'record', text));

  it('is replaced by the next login, with its credentials', async () => {
    const before = await runtime.redis.hget(keyOf(BAD), 'sealed');
    await connected.remember(await login(BAD, 'ses_next'));
    expect(await connected.find('acme', BAD)).toMatchObject({ sessionId: 'ses_next' });
    expect(await runtime.redis.hget(keyOf(BAD), 'sealed')).not.toBe(before);
    expect(await connected.credentials('acme', BAD)).toEqual(SECRET);
  });

  it('leaves no credentials of its own to a login that has none', async () => {
    await connected.remember({ ...(await login(BAD, 'ses_other')), sessionId: 'ses_next' });
    expect(await connected.find('acme', BAD)).toMatchObject({ sessionId: 'ses_next' });
    expect(await isKept(BAD)).toBe(false);
  });

  it('keeps its period, and those of the others are shortened', async () => {
    now += 2 * 86_400_000;
    await connected.cutPeriods('acme', 1);
    expect(await runtime.redis.get(checksKeepKey(runtime.namespace, 'acme'))).toBe('1');
    expect([await isKept(BAD), await isKept(GOOD)]).toEqual([true, false]);
    expect(await runtime.redis.hget(keyOf(BAD), 'record')).toBe(text);
  });

  it('knows of no loss, and hinders no logout', async () => {
    expect(await connected.said('acme', BAD, { state: 'notAuthorized', at: now, by: 'notification' })).toBe(false);
    const about = { tenantId: 'acme', instanceId: BAD };
    expect(await connected.duringLogout(about, async () => ({ kind: 'loggedOut' }))).toEqual({ kind: 'loggedOut' });
    expect(await runtime.redis.hget(keyOf(BAD), 'record')).toBe(text);
  });

  it('is logged once, by its id and without its content', async () => {
    for (let i = 0; i < 3; i++) expect(await connected.find('acme', BAD)).toBe('unreadable');
    expect(logged.filter((line) => line.includes('cannot be read'))).toHaveLength(1);
    expect(logged[0]).toContain(BAD);
    expect(logged.join('')).not.toMatch(/unknown"|JSON|Zod/);
  });
});
