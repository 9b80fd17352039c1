/** Tenants and their credentials in Redis: one hash of records, and one key per API-key hash that names its tenant. */

import { RefusedError } from '@qrcast/core/errors';
import type { createTenantSchema, patchTenantSchema } from '@qrcast/core/requests';
import type { Clock } from '@qrcast/runtime/clock';
import type { Keyring } from '@qrcast/runtime/keyring';
import { apiKeyKey, formerTenantsKey, tenantsKey } from '@qrcast/runtime/keys';
import { loadLuaScript } from '@qrcast/runtime/lua-script';
import { MAX_RACES } from '@qrcast/runtime/sessions';
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { hashSecret, matchesHash, newCallbackSecret, newId, newSecret } from './secrets.ts';

const tenantSchema = z.object({
  id: z.string(),
  name: z.string(),
  allowedOrigins: z.array(z.string()),
  /** Null: the operator's own list. */
  upstreamHosts: z.array(z.string()).nullable(),
  limits: z.object({ sessions: z.number().optional(), viewers: z.number().optional(), viewersPerSession: z.number().optional() }),
  callback: z.object({ url: z.string() }).nullable(),
  keys: z.array(z.object({ id: z.string(), hash: z.string(), createdAt: z.number() })),
  webhookTokenHash: z.string(),
  sealedCallbackSecret: z.string(),
  createdAt: z.number(),
});

type StoredTenant = z.infer<typeof tenantSchema>;

/** A tenant without anything secret. */
export type Tenant = Omit<StoredTenant, 'keys' | 'webhookTokenHash' | 'sealedCallbackSecret'> & {
  readonly keys: readonly { readonly id: string; readonly createdAt: number }[];
};

/** Shown once, at creation. */
export interface TenantSecrets {
  readonly apiKey: string;
  readonly webhookToken: string;
  readonly callbackSecret: string;
}

export interface Tenants {
  /** `given`: credentials to use instead of new ones. @throws {RefusedError} `invalid_request` if the id is taken. */
  create(request: z.output<typeof createTenantSchema>, given?: Partial<TenantSecrets>): Promise<{ tenant: Tenant; secrets: TenantSecrets }>;
  list(): Promise<readonly Tenant[]>;
  /** @throws {RefusedError} `not_found`, like all that follow. */
  get(id: string): Promise<Tenant>;
  patch(id: string, request: z.output<typeof patchTenantSchema>): Promise<Tenant>;
  /** Ends its keys at once, so that nothing new begins; `forget` follows when its sessions have ended. */
  disable(id: string): Promise<void>;
  /** Its id is never given again. */
  forget(id: string): Promise<void>;
  /** Adds the key to the tenant and puts the webhook token in place of its own. */
  adopt(id: string, given: Pick<TenantSecrets, 'apiKey' | 'webhookToken'>): Promise<void>;
  addKey(id: string): Promise<{ keyId: string; apiKey: string }>;
  removeKey(id: string, keyId: string): Promise<void>;
  /** The tenant an API key belongs to, or null. */
  findByKey(apiKey: string): Promise<Tenant | null>;
  /** True if the webhook token is the tenant's. */
  ownsWebhookToken(id: string, tokens: readonly string[]): Promise<boolean>;
}

export interface TenantsDeps {
  readonly redis: Redis;
  readonly namespace: string;
  readonly keyring: Keyring;
  readonly clock: Clock;
}

/** Tokens are compared with this where there is no tenant, so that both take as long. */
const NO_HASH = hashSecret('');

export function createTenants({ redis, namespace, keyring, clock }: TenantsDeps): Tenants {
  const key = tenantsKey(namespace);
  const replace = loadLuaScript(redis, 'field-replace-1');

  async function load(id: string): Promise<StoredTenant | null> {
    const text = await redis.hget(key, id);
    return text === null ? null : tenantSchema.parse(JSON.parse(text));
  }

  async function mustLoad(id: string): Promise<StoredTenant> {
    const tenant = await load(id);
    if (tenant === null) throw noTenant(id);
    return tenant;
  }

  /** Changes a record as it stands; who loses a race changes what won. */
  async function change(id: string, edit: (tenant: StoredTenant) => StoredTenant): Promise<StoredTenant> {
    for (let race = 0; race < MAX_RACES; race++) {
      const text = await redis.hget(key, id);
      if (text === null) throw noTenant(id);
      const next = edit(tenantSchema.parse(JSON.parse(text)));
      if ((await replace([key], [id, text, JSON.stringify(next)])) === 1) return next;
    }
    throw new Error('a tenant was changed by others too often in a row');
  }

  async function addKeyHash(id: string, apiKey: string): Promise<string> {
    const added = { id: newId('key'), hash: hashSecret(apiKey), createdAt: clock.now() };
    await change(id, (tenant) => ({ ...tenant, keys: [...tenant.keys, added] }));
    await redis.set(apiKeyKey(namespace, added.hash), id);
    return added.id;
  }

  return {
    async create(request, given = {}) {
      const secrets = {
        apiKey: given.apiKey ?? newSecret('qk'),
        webhookToken: given.webhookToken ?? newSecret('wt'),
        callbackSecret: given.callbackSecret ?? newCallbackSecret(),
      };
      const now = clock.now();
      const first = { id: newId('key'), hash: hashSecret(secrets.apiKey), createdAt: now };
      const tenant: StoredTenant = {
        id: request.id,
        name: request.name,
        allowedOrigins: request.allowedOrigins ?? [],
        upstreamHosts: request.upstreamHosts ?? null,
        limits: request.limits ?? {},
        callback: request.callback ?? null,
        keys: [first],
        webhookTokenHash: hashSecret(secrets.webhookToken),
        sealedCallbackSecret: keyring.seal(secrets.callbackSecret, `tenant:${request.id}`),
        createdAt: now,
      };
      const isFormer = (await redis.sismember(formerTenantsKey(namespace), request.id)) === 1;
      if (isFormer)
        throw new RefusedError('invalid_request', 'id: a tenant of this id was deleted, and its sessions may live on; choose another id');
      const isNew = await redis.hsetnx(key, tenant.id, JSON.stringify(tenant));
      if (isNew === 0)
        throw new RefusedError('invalid_request', `id: there is a tenant ${JSON.stringify(tenant.id)} already; choose another id`);
      await redis.set(apiKeyKey(namespace, first.hash), tenant.id);
      return { tenant: withoutSecrets(tenant), secrets };
    },

    async list() {
      const all = await redis.hvals(key);
      return all.map((text) => withoutSecrets(tenantSchema.parse(JSON.parse(text)))).sort((a, b) => a.createdAt - b.createdAt);
    },

    get: async (id) => withoutSecrets(await mustLoad(id)),

    async patch(id, request) {
      const given = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
      return withoutSecrets(await change(id, (tenant) => tenantSchema.parse({ ...tenant, ...given })));
    },

    async disable(id) {
      const { keys } = await mustLoad(id);
      await Promise.all(keys.map(({ hash }) => redis.del(apiKeyKey(namespace, hash))));
      await change(id, (tenant) => ({ ...tenant, keys: [] }));
    },

    async forget(id) {
      await redis.sadd(formerTenantsKey(namespace), id);
      await redis.hdel(key, id);
    },

    async adopt(id, { apiKey, webhookToken }) {
      await addKeyHash(id, apiKey);
      await change(id, (tenant) => ({ ...tenant, webhookTokenHash: hashSecret(webhookToken) }));
    },

    async addKey(id) {
      const apiKey = newSecret('qk');
      return { keyId: await addKeyHash(id, apiKey), apiKey };
    },

    async removeKey(id, keyId) {
      const removed = (await mustLoad(id)).keys.find((one) => one.id === keyId);
      if (removed === undefined) throw new RefusedError('not_found', `tenant ${JSON.stringify(id)} has no key ${JSON.stringify(keyId)}`);
      await redis.del(apiKeyKey(namespace, removed.hash));
      await change(id, (tenant) => ({ ...tenant, keys: tenant.keys.filter((one) => one.id !== keyId) }));
    },

    async findByKey(apiKey) {
      const hash = hashSecret(apiKey);
      const id = await redis.get(apiKeyKey(namespace, hash));
      const tenant = id === null ? null : await load(id);
      return tenant?.keys.some((one) => one.hash === hash) === true ? withoutSecrets(tenant) : null;
    },

    async ownsWebhookToken(id, tokens) {
      const hash = (await load(id))?.webhookTokenHash ?? NO_HASH;
      return tokens.filter((token) => matchesHash(token, hash)).length > 0 && hash !== NO_HASH;
    },
  };
}

const noTenant = (id: string): RefusedError => new RefusedError('not_found', `there is no tenant ${JSON.stringify(id)}`);

function withoutSecrets({ webhookTokenHash, sealedCallbackSecret, keys, ...tenant }: StoredTenant): Tenant {
  return { ...tenant, keys: keys.map(({ id, createdAt }) => ({ id, createdAt })) };
}
