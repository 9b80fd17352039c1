/**
 * Tenants and their credentials. Their records are in tenant-records.ts, their API keys in
 * tenant-keys.ts.
 */

import { DEFAULT_KEEP_CONNECTED_DAYS } from '@qrcast/core/connected-instance';
import type { createTenantSchema, patchTenantSchema } from '@qrcast/core/tenant-requests';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Logger } from '@qrcast/runtime/log';
import { createOutbox } from '@qrcast/runtime/outbox/outbox';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { RedisClient } from '@qrcast/runtime/redis/redis-client';
import { type TenantRecord, tenantContext } from '@qrcast/runtime/tenants/tenant-record';
import type { z } from 'zod';
import { hashSecret, matchesHash, newCallbackSecret, newSecret } from './secrets.ts';
import { createTenantKeys, type TenantKeys } from './tenant-keys.ts';
import { createTenantRecords, type TenantRecords } from './tenant-records.ts';

/** A tenant without its secrets. */
export type Tenant = Omit<TenantRecord, 'keys' | 'isLeaving' | 'webhookTokenHash' | 'sealedCallbackSecret' | 'previousCallbackSecret'> & {
  /** Ids of its API keys. */
  readonly keyIds: readonly string[];
};

/** A tenant as the operator sees it. */
export type TenantView = Omit<Tenant, 'keyIds'> & {
  readonly keys: readonly { readonly id: string; readonly createdAt: number; readonly lastUsedAt: number | null }[];
};

/** Shown once, when the tenant is created. */
export interface TenantSecrets {
  readonly apiKey: string;
  readonly webhookToken: string;
  readonly callbackSecret: string;
}

export interface Tenants {
  /**
   * `given`: credentials to use instead of new ones. @throws {RefusedError} `invalid_request` if
   * the id is taken.
   */
  create(
    request: z.output<typeof createTenantSchema>,
    given?: Partial<TenantSecrets>,
  ): Promise<{ tenant: TenantView; secrets: TenantSecrets }>;
  /** Oldest first. */
  list(): Promise<readonly TenantView[]>;
  /** @throws {RefusedError} `not_found`, like all that follow. */
  get(id: string): Promise<TenantView>;
  patch(id: string, request: z.output<typeof patchTenantSchema>): Promise<TenantView>;
  /**
   * Ends its keys and tickets at once, so that nothing new begins. Call `forget` when its sessions
   * have ended.
   */
  disable(id: string): Promise<void>;
  /** The id is never given again. */
  forget(id: string): Promise<void>;
  /**
   * Gives the tenant an API key and a webhook token. The token replaces the tenant's own; the key
   * replaces the oldest if the tenant has as many as it may.
   */
  adopt(id: string, given: Pick<TenantSecrets, 'apiKey' | 'webhookToken'>): Promise<void>;
  /** @throws {RefusedError} `invalid_request` for a third key. */
  addKey(id: string): Promise<{ keyId: string; apiKey: string }>;
  removeKey(id: string, keyId: string): Promise<void>;
  /** Makes a new secret for callbacks. For a day they are signed with the old one, too. */
  renewCallbackSecret(id: string): Promise<{ callbackSecret: string; previousValidUntil: number }>;
  /** The tenant as it is now; null if there is none, or it is being deleted. */
  find(id: string): Promise<Tenant | null>;
  /** The tenant that an API key belongs to, or null. */
  findByKey(apiKey: string): Promise<{ tenant: Tenant; keyId: string } | null>;
  /** The tenant, if one of the webhook tokens is its own. */
  findByWebhookToken(id: string, tokens: readonly string[]): Promise<Tenant | null>;
  /**
   * Whether one of the tokens is the tenant's webhook token. Only for a tenant that is known
   * already: this admits nobody.
   */
  hasWebhookToken(id: string, tokens: readonly string[]): Promise<boolean>;
}

export interface TenantsDeps {
  readonly redis: RedisClient;
  readonly namespace: string;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
}

/** The time to bring a new callback secret to wherever callbacks are verified. */
const PREVIOUS_SECRET_MS = 86_400_000;
/** Tokens are compared with this if there is no tenant, so that both answers take equally long. */
const NO_HASH = hashSecret('');

export function createTenants(deps: TenantsDeps): Tenants {
  const records = createTenantRecords(deps);
  const keys = createTenantKeys({ ...deps, records });
  const outbox = createOutbox(deps);

  async function view(record: TenantRecord): Promise<TenantView> {
    const { keyIds, ...tenant } = withoutSecrets(record);
    const lastUses = await keys.lastUses(keyIds);
    return {
      ...tenant,
      keys: record.keys.map(({ id, createdAt }, i) => ({ id, createdAt, lastUsedAt: lastUses[i] ?? null })),
    };
  }

  return {
    ...createTenantChanges(deps, records, keys),
    ...createTenantLookups(records, keys),
    addKey: keys.add,
    removeKey: keys.remove,

    async create(request, given = {}) {
      const secrets = {
        apiKey: given.apiKey ?? newSecret('qk'),
        webhookToken: given.webhookToken ?? newSecret('wt'),
        callbackSecret: given.callbackSecret ?? newCallbackSecret(),
      };
      const record = newRecord(request, secrets, keys.prepare(secrets.apiKey), deps.keyring);
      await records.add(record);
      await Promise.all(record.keys.map((key) => keys.open(record.id, key)));
      return { tenant: await view(record), secrets };
    },

    async list() {
      const all = await records.list();
      return Promise.all([...all].sort((a, b) => a.createdAt - b.createdAt).map(view));
    },

    get: async (id) => view(await records.mustLoad(id)),

    async patch(id, request) {
      const write = () => records.change(id, (tenant) => patched(tenant, request));
      // A worker looks at once what has to be checked now, and which tokens have to be deleted.
      return view(await (isAboutChecks(request) ? outbox.markAround({ kind: 'checks', tenantId: id }, write) : write()));
    },
  };
}

type PatchRequest = z.output<typeof patchTenantSchema>;

function patched(tenant: TenantRecord, request: PatchRequest): TenantRecord {
  const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
  const keepConnectedDays = request.keepConnectedDays === null ? { keepConnectedDays: DEFAULT_KEEP_CONNECTED_DAYS } : {};
  return { ...tenant, ...given, ...keepConnectedDays };
}

function isAboutChecks({ checkConnectedEvery, keepConnectedDays, suspended, callback }: PatchRequest): boolean {
  return [checkConnectedEvery, keepConnectedDays, suspended, callback].some((value) => value !== undefined);
}

function createTenantChanges(
  { keyring, clock }: TenantsDeps,
  records: TenantRecords,
  keys: TenantKeys,
): Pick<Tenants, 'disable' | 'forget' | 'adopt' | 'renewCallbackSecret'> {
  return {
    async disable(id) {
      const { keys: all } = await records.mustLoad(id);
      await records.change(id, (tenant) => ({ ...tenant, isLeaving: true, keys: [] }));
      await keys.removeAll(all);
    },

    forget: records.remove,

    async adopt(id, { apiKey, webhookToken }) {
      await keys.adopt(id, apiKey);
      await records.change(id, (tenant) => ({ ...tenant, webhookTokenHash: hashSecret(webhookToken) }));
    },

    async renewCallbackSecret(id) {
      const callbackSecret = newCallbackSecret();
      const sealed = keyring.seal(callbackSecret, tenantContext(id));
      const validUntil = clock.now() + PREVIOUS_SECRET_MS;
      await records.change(id, (tenant) => ({
        ...tenant,
        sealedCallbackSecret: sealed,
        previousCallbackSecret: { sealed: tenant.sealedCallbackSecret, validUntil },
      }));
      return { callbackSecret, previousValidUntil: validUntil };
    },
  };
}

function createTenantLookups(
  records: TenantRecords,
  keys: TenantKeys,
): Pick<Tenants, 'find' | 'findByKey' | 'findByWebhookToken' | 'hasWebhookToken'> {
  return {
    async find(id) {
      const record = await records.load(id);
      return record === null || record.isLeaving ? null : withoutSecrets(record);
    },

    async findByKey(apiKey) {
      const found = await keys.find(apiKey);
      return found === null ? null : { tenant: withoutSecrets(found.record), keyId: found.keyId };
    },

    async findByWebhookToken(id, tokens) {
      const record = await records.load(id);
      const hash = record?.webhookTokenHash ?? NO_HASH;
      const isTheirs = tokens.filter((token) => matchesHash(token, hash)).length > 0;
      return record !== null && isTheirs ? withoutSecrets(record) : null;
    },

    async hasWebhookToken(id, tokens) {
      const record = await records.load(id);
      return record !== null && tokens.some((token) => matchesHash(token, record.webhookTokenHash));
    },
  };
}

function newRecord(
  request: z.output<typeof createTenantSchema>,
  { webhookToken, callbackSecret }: TenantSecrets,
  key: TenantRecord['keys'][number],
  keyring: Keyring,
): TenantRecord {
  return {
    id: request.id,
    name: request.name,
    allowedOrigins: request.allowedOrigins ?? [],
    upstreamHosts: request.upstreamHosts ?? null,
    limits: request.limits ?? {},
    callback: request.callback ?? null,
    relay: request.relay ?? null,
    keepConnectedDays: request.keepConnectedDays ?? DEFAULT_KEEP_CONNECTED_DAYS,
    checkConnectedEvery: request.checkConnectedEvery ?? null,
    suspended: false,
    isLeaving: false,
    keys: [key],
    webhookTokenHash: hashSecret(webhookToken),
    sealedCallbackSecret: keyring.seal(callbackSecret, tenantContext(request.id)),
    previousCallbackSecret: null,
    createdAt: key.createdAt,
  };
}

function withoutSecrets({
  webhookTokenHash,
  sealedCallbackSecret,
  previousCallbackSecret,
  isLeaving,
  keys,
  ...tenant
}: TenantRecord): Tenant {
  return { ...tenant, keyIds: keys.map(({ id }) => id) };
}
