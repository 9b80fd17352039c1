/**
 * Makes a session: counts it against the tenant's quota, stores it, and makes it the owner of its
 * instance.
 */

import type { createSessionSchema } from '@qrcast/core/requests';
import type { Policy } from '@qrcast/core/schedule';
import { createSession, type Session } from '@qrcast/core/session';
import { instanceKeyOf, sealCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import type { Keyring } from '@qrcast/runtime/keyring/keyring';
import type { Clock } from '@qrcast/runtime/redis/clock';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import type { z } from 'zod';
import { newId } from '../tenants/secrets.ts';
import type { TenantStanding } from '../tenants/tenant-standing.ts';
import type { Tenant } from '../tenants/tenants.ts';
import type { EndedSessions } from './ended-sessions.ts';
import type { InstanceOwner } from './instance-owner.ts';
import type { SessionIndex } from './session-index.ts';
import type { SessionQuota } from './session-quota.ts';
import { upstreamOf } from './upstream-choice.ts';

export type CreateRequest = z.output<typeof createSessionSchema>;

/**
 * Resolves to the tenant's live session of the instance, or to a new one. @throws {RefusedError}
 * `tenant_limit_reached`.
 */
export type SessionCreation = (tenant: Tenant, request: CreateRequest) => Promise<{ session: Session; isNew: boolean }>;

export interface SessionCreationDeps {
  readonly sessions: Pick<Sessions, 'create' | 'expire'>;
  readonly index: Pick<SessionIndex, 'add' | 'forget'>;
  readonly instanceOwner: InstanceOwner;
  readonly sessionQuota: Pick<SessionQuota, 'claim' | 'keep'>;
  readonly endedSessions: EndedSessions;
  readonly standing: Pick<TenantStanding, 'requireNow'>;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly upstreamHosts: readonly string[];
}

const DEFAULT_SESSION_SECONDS = 3_600;

export function createSessionCreation(deps: SessionCreationDeps): SessionCreation {
  const { sessions, index, instanceOwner, sessionQuota, endedSessions, standing, keyring } = deps;

  /**
   * Stores the session and claims its instance. Resolves to the session that owns the instance
   * then. @throws {RefusedError}
   */
  async function begin(tenant: Tenant, fresh: Session, sealed: string): Promise<Session> {
    await sessions.create(fresh, sealed);
    const session = await instanceOwner.claim(fresh, true);
    if (session.id !== fresh.id) return session;
    const count = await index.add(fresh);
    await standing.requireNow(tenant.id); // if the tenant was suspended or deleted meanwhile, nobody else would end this session
    await sessionQuota.keep(tenant, fresh);
    await endedSessions.trim(tenant, count).catch(() => undefined); // the next session that is made tries again
    return session;
  }

  return async (tenant, request) => {
    const secret = { apiUrl: upstreamOf(tenant, request, deps.upstreamHosts), apiToken: request.apiToken };
    const instanceKey = instanceKeyOf(request.instanceId, secret);
    const live = await instanceOwner.live(tenant.id, request.instanceId);
    if (live?.instanceKey === instanceKey) return { session: live, isNew: false };
    const fresh = draftOf(deps, tenant, request, instanceKey);
    const giveUp = await sessionQuota.claim(tenant, fresh.id, live);
    let session: Session | null = null;
    try {
      session = await begin(tenant, fresh, sealCredentials(keyring, fresh.id, secret));
    } finally {
      if (session?.id !== fresh.id) await abandon(deps, fresh, giveUp);
    }
    return { session, isNew: session.id === fresh.id };
  };
}

/**
 * Takes back what was written of a session that nobody knows of yet. What fails here runs out by
 * itself.
 */
async function abandon({ sessions, index }: SessionCreationDeps, fresh: Session, giveUp: () => Promise<void>): Promise<void> {
  await Promise.allSettled([sessions.expire(fresh.id, 0), index.forget(fresh), giveUp()]);
}

function draftOf(
  { clock, policy }: Pick<SessionCreationDeps, 'clock' | 'policy'>,
  tenant: Tenant,
  request: CreateRequest,
  instanceKey: string,
): Session {
  const now = clock.now();
  const fields = {
    id: newId('ses'),
    tenantId: tenant.id,
    instanceId: request.instanceId,
    instanceKey,
    reference: request.reference ?? null,
    expectedPhone: request.expectedPhone ?? null,
    logoutOnMismatch: request.logoutOnMismatch ?? false,
    locale: request.locale ?? null,
    returnUrl: request.returnUrl ?? null,
    relink: request.relink ?? false,
    expiresAt: now + (request.expiresInSeconds ?? DEFAULT_SESSION_SECONDS) * 1000,
  };
  return createSession(fields, policy.attemptMs, now);
}
