/** Who may call: tenants with their keys, viewers with their tickets, and the rates of both. */

import { type Auth, createAuth, type KnownCredentials } from '../auth/auth.ts';
import { openRevocations, type Revocations } from '../auth/ticket-revocations.ts';
import { createTickets, type Tickets } from '../auth/tickets.ts';
import { createSessionRates } from '../limits/session-rates.ts';
import { createTenantRates, type TenantRates } from '../limits/tenant-rates.ts';
import { openTenantStanding, type TenantStanding } from '../tenants/tenant-standing.ts';
import { createTenants, type Tenants } from '../tenants/tenants.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { Shared } from './shared.ts';

export interface Tenancy {
  readonly tenants: Tenants;
  readonly tickets: Tickets;
  readonly rates: TenantRates;
  readonly standing: TenantStanding;
  readonly revocations: Revocations;
  readonly auth: Auth;
  /** Recognizes credentials without letting anybody in. */
  readonly credentials: KnownCredentials;
}

export function openTenancy(shared: Shared, { adminKey }: Pick<GatewayOptions, 'adminKey'>): Tenancy {
  const { audited, limitOf, releasers, clock } = shared;
  const tenants = audited.tenants(createTenants(shared));
  const tickets = createTickets(shared);
  const rates = createTenantRates(shared);
  const sessionRates = createSessionRates({ limitOf, now: () => performance.now() });
  const standing = openTenantStanding({ ...shared, tenants });
  releasers.push('tenant standing', () => standing.close());
  const revocations = audited.revocations(openRevocations({ ...shared, tickets, now: clock.now }));
  releasers.push('revocations', () => revocations.close());
  const auth = createAuth({ tenants, standing, rates, sessionRates, tickets, adminKey, publicUrl: shared.publicAddress.url });
  return { tenants, tickets, rates, standing, revocations, auth: audited.auth(auth), credentials: auth };
}
