import { DEFAULT_KEEP_CONNECTED_DAYS } from '@qrcast/core/connected-instance';
import { describe, expect, it } from 'vitest';
import { createReceivers } from '../callbacks/callback-receivers.ts';
import { connectedSettingsIn } from '../connected/connected-settings.ts';
import type { RedisClient } from '../redis/redis-client.ts';
import { createTenantActivity } from './tenant-activity.ts';
import { loadTenantRecord, tenantRecordSchema } from './tenant-record.ts';

/** Dependencies of a reader whose Redis holds `record` for every tenant. */
const holding = (record: object | null) => ({
  redis: { hget: async () => (record === null ? null : JSON.stringify(record)) } as unknown as RedisClient, // readers call nothing else
  namespace: 'test',
  keyring: { keyIds: [], seal: String, open: String, derive: () => [] },
  clock: { now: () => 0 },
});

const record = {
  id: 'acme',
  name: 'Acme',
  allowedOrigins: [],
  upstreamHosts: null,
  limits: {},
  callback: null,
  keys: [],
  webhookTokenHash: 'hash',
  sealedCallbackSecret: 'sealed',
  createdAt: 1,
};

describe('a tenant record', () => {
  it('of an older version gets the defaults of the fields it lacks', async () => {
    expect(await loadTenantRecord(holding(record), 'acme', tenantRecordSchema)).toEqual({
      ...record,
      relay: null,
      keepConnectedDays: DEFAULT_KEEP_CONNECTED_DAYS,
      checkConnectedEvery: null,
      suspended: false,
      isLeaving: false,
      previousCallbackSecret: null,
    });
  });

  it.each(['callback', 'upstreamHosts', 'keys', 'webhookTokenHash'])(
    'without %s is refused as a whole, not by readers that can do without',
    async (field) => {
      const deps = holding({ ...record, [field]: undefined });
      await expect(loadTenantRecord(deps, 'acme', tenantRecordSchema)).rejects.toThrow(field);
      expect(await createTenantActivity(deps).isActive('acme')).toBe(true);
      expect(await connectedSettingsIn(deps)('acme')).toMatchObject({
        keepDays: DEFAULT_KEEP_CONNECTED_DAYS,
        isPaused: true,
        upstreamHosts: null,
      });
      expect(await createReceivers(deps).find('acme')).toMatchObject({ callbackUrl: null, relayUrl: null });
    },
  );

  it('with wrong types is refused by every reader', async () => {
    const deps = holding({ suspended: 'no', isLeaving: 'no', keepConnectedDays: 'x' });
    await expect(createTenantActivity(deps).isActive('acme')).rejects.toThrow('suspended');
    await expect(connectedSettingsIn(deps)('acme')).rejects.toThrow('keepConnectedDays');
    await expect(createReceivers(deps).find('acme')).rejects.toThrow('sealedCallbackSecret');
  });

  it('that does not exist is null, and its tenant is not active', async () => {
    const deps = holding(null);
    expect(await createTenantActivity(deps).isActive('acme')).toBe(false);
    expect([await connectedSettingsIn(deps)('acme'), await createReceivers(deps).find('acme')]).toEqual([null, null]);
  });
});
