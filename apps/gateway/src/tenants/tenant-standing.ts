/**
 * Whether a tenant may do anything now. It can be suspended or deleted, or lose an API key, while
 * its calls and streams are under way. Each change is published, and every gateway acts on it at
 * once.
 */

import { RefusedError } from '@qrcast/core/errors';
import type { Bus } from '@qrcast/runtime/redis/bus';
import { tenantsChannel } from '@qrcast/runtime/redis/keys';
import { openHeldRights } from './held-rights.ts';
import type { Tenant, Tenants } from './tenants.ts';

/** Why a tenant's streams end; also the name of the close code. */
export type TenantEnd = 'forbidden' | 'unauthenticated';

export interface TenantStanding {
  /**
   * The tenant as it was within the last second. That is the bound should a published change be
   * lost. @throws {RefusedError} `forbidden` while suspended, `unauthenticated` if it was deleted.
   */
  require(tenantId: string): Promise<Tenant>;
  /** The same, as the tenant is now. */
  requireNow(tenantId: string): Promise<Tenant>;
  /**
   * `onEnd` is called once if, while this is held, the tenant is suspended or deleted or the key
   * is removed. Returns its undo, idempotent.
   */
  hold(holder: Holder, onEnd: (why: TenantEnd) => void): () => void;
  close(): void;
}

export interface Holder {
  readonly tenantId: string;
  /** The API key that it presented, if it presented one. */
  readonly keyId?: string;
}

export interface TenantStandingDeps {
  readonly bus: Bus;
  readonly namespace: string;
  readonly tenants: Pick<Tenants, 'find'>;
}

/** A deleted tenant's streams are given this time to report the end of their sessions and close. */
const LAST_WORDS_MS = 1_000;

export function openTenantStanding({ bus, namespace, tenants }: TenantStandingDeps): TenantStanding {
  const known = createKnownTenants(tenants);
  const timers = new Set<NodeJS.Timeout>();

  function endDeleted(tenantId: string): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      known.requireNow(tenantId).then(
        () => undefined, // Redis had lost it, and it was created again
        () => held.end(tenantId, 'unauthenticated'),
      );
    }, LAST_WORDS_MS);
    timers.add(timer);
  }

  async function check({ tenantId, keyId }: Holder, isNew: boolean): Promise<void> {
    try {
      const { keyIds } = await (isNew ? known.require(tenantId) : known.requireNow(tenantId));
      // A new holder without a key has none to lose, and the others were checked before.
      if (isNew && keyId === undefined) return;
      held.end(tenantId, 'unauthenticated', (holder) => holder.keyId !== undefined && !keyIds.includes(holder.keyId));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.code === 'forbidden') held.end(tenantId, 'forbidden');
      else endDeleted(tenantId);
    }
  }

  const held = openHeldRights<Holder, TenantEnd>({
    bus,
    channel: tenantsChannel(namespace),
    keyOf: ({ tenantId }) => tenantId,
    check,
    onChange(tenantId) {
      known.forget(tenantId);
      held.check(tenantId);
    },
    onReset: () => known.forgetAll(),
    onTick: () => known.forgetAll(),
  });

  return {
    require: known.require,
    requireNow: known.requireNow,
    hold: held.hold,
    close() {
      for (const timer of timers) clearTimeout(timer);
      held.close();
    },
  };
}

interface KnownTenants extends Pick<TenantStanding, 'require' | 'requireNow'> {
  forget(tenantId: string): void;
  forgetAll(): void;
}

/**
 * Tenants that were looked up lately, so that calls in quick succession ask Redis once. A refusal is
 * not remembered: a client takes it as final, and nothing is published when a tenant is created.
 */
function createKnownTenants(tenants: TenantStandingDeps['tenants']): KnownTenants {
  const known = new Map<string, Promise<Tenant>>();
  const requireNow = async (tenantId: string): Promise<Tenant> => mustStand(await tenants.find(tenantId));
  return {
    require(tenantId) {
      const tenant = known.get(tenantId) ?? requireNow(tenantId);
      known.set(tenantId, tenant);
      tenant.catch(() => known.get(tenantId) === tenant && known.delete(tenantId));
      return tenant;
    },
    requireNow,
    forget: (tenantId) => void known.delete(tenantId),
    forgetAll: () => known.clear(),
  };
}

/** @throws {RefusedError} `forbidden` while suspended, `unauthenticated` if there is none. */
export function mustStand(tenant: Tenant | null): Tenant {
  if (tenant === null) throw deletedError();
  if (tenant.suspended) throw suspendedError();
  return tenant;
}

export const deletedError = (): RefusedError =>
  new RefusedError('unauthenticated', 'this credential is no longer valid: its API key was removed, or its tenant deleted');
export const suspendedError = (): RefusedError =>
  new RefusedError('forbidden', 'the tenant is suspended; ask the operator of this service');
