/**
 * Wraps the parts of the gateway so that they record in the audit log what their calls came to. A
 * wrapped part has the same interface. So nothing gets past the log, whatever transport it comes
 * by, and no part has to know of it.
 */

import type { AuditLog } from '@qrcast/runtime/audit/audit-log';
import type { Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { type Auth, mayView } from '../auth/auth.ts';
import type { Revocations } from '../auth/ticket-revocations.ts';
import type { WebhookSetup } from '../notifications/webhook-setup.ts';
import type { PasswordStep } from '../sessions/password-step.ts';
import type { SessionLookup } from '../sessions/session-lookup.ts';
import type { SessionService } from '../sessions/session-service.ts';
import type { StartOver } from '../sessions/start-over.ts';
import type { Hub } from '../streams/hub.ts';
import type { Tenants } from '../tenants/tenants.ts';
import { createAuditRecorder } from './audit-recorder.ts';
import { auditedAuth } from './audited-auth.ts';
import { createAuditedRefusals } from './audited-refusals.ts';
import { auditedPasswordStep, auditedRevocations, auditedService, auditedStartOver, auditedWebhookSetup } from './audited-sessions.ts';
import { auditedTenants } from './audited-tenants.ts';
import { createAuditedWatches, type NoteWatch } from './audited-watches.ts';

export interface Audited {
  auth(auth: Auth): Auth;
  service(service: SessionService): SessionService;
  passwordStep(step: PasswordStep): PasswordStep;
  startOver(startOver: StartOver): StartOver;
  webhookSetup(setup: WebhookSetup): WebhookSetup;
  revocations(revocations: Revocations): Revocations;
  tenants(tenants: Tenants): Tenants;
  /** Records a read as a watch. */
  theirSession(lookup: SessionLookup): SessionLookup;
  hub(hub: Hub): Hub;
}

export interface AuditedDeps {
  readonly audit: Pick<AuditLog, 'record'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Logger, 'warn'>;
}

export function createAudited({ audit, clock, log }: AuditedDeps): Audited {
  const record = createAuditRecorder(audit);
  const refusals = createAuditedRefusals({ record, now: clock.now, log });
  const noteWatch = createAuditedWatches({ record, now: clock.now });
  return {
    auth: (auth) => auditedAuth(auth, refusals),
    service: (service) => auditedService(service, record),
    passwordStep: (step) => auditedPasswordStep(step, record),
    startOver: (startOver) => auditedStartOver(startOver, record),
    webhookSetup: (setup) => auditedWebhookSetup(setup, record),
    revocations: (revocations) => auditedRevocations(revocations, record),
    tenants: (tenants) => auditedTenants(tenants, record, refusals),
    theirSession: (lookup) => auditedLookup(lookup, noteWatch),
    hub: (hub) => auditedHub(hub, noteWatch),
  };
}

/** Requests by either method start the polls. */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

function auditedLookup(lookup: SessionLookup, noteWatch: NoteWatch): SessionLookup {
  return async (request) => {
    const found = await lookup(request);
    // A ticket without the `view` scope is refused later, so its look-up is not a watch.
    if (READS.has(request.method) && mayView(found.principal)) noteWatch(found.principal, found.session);
    return found;
  };
}

function auditedHub(hub: Hub, noteWatch: NoteWatch): Hub {
  return {
    ...hub,
    subscribe(options) {
      const subscription = hub.subscribe(options);
      const told = subscription.first.then((session) => {
        if (session !== null) noteWatch(options.by, session);
      });
      told.catch(() => undefined); // the caller of `subscribe` handles the rejection
      return subscription;
    },
  };
}
