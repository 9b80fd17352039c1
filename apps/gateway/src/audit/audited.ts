/**
 * What callers do, put into the audit log: the gateway's parts, each with the same interface, that record what their calls came to. So that
 * nothing can be done past the log, whatever transport it comes by, and none of the parts knows of it.
 */

import type { AuditAction, AuditCredential } from '@qrcast/core/audit';
import { type ErrorCode, RefusedError } from '@qrcast/core/errors';
import type { Session } from '@qrcast/core/session';
import type { AuditLog, NewAuditEntry } from '@qrcast/runtime/audit/audit-log';
import type { Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { type Auth, credentialIn, mayView, type Principal } from '../auth/auth.ts';
import { actorOf, asPrincipal, currentCaller } from '../auth/caller.ts';
import type { Revocations } from '../auth/ticket-revocations.ts';
import { addressGroup } from '../http/client-address.ts';
import type { WebhookSetup } from '../notifications/webhook-setup.ts';
import type { PasswordStep } from '../sessions/password-step.ts';
import type { SessionLookup } from '../sessions/session-lookup.ts';
import type { SessionService } from '../sessions/session-service.ts';
import type { StartOver } from '../sessions/start-over.ts';
import type { Hub } from '../streams/hub.ts';
import type { Tenants } from '../tenants/tenants.ts';
import { createOncePerWindow } from './once-per-window.ts';

export interface Audited {
  auth(auth: Auth): Auth;
  service(service: SessionService): SessionService;
  passwordStep(step: PasswordStep): PasswordStep;
  startOver(startOver: StartOver): StartOver;
  webhookSetup(setup: WebhookSetup): WebhookSetup;
  revocations(revocations: Revocations): Revocations;
  tenants(tenants: Tenants): Tenants;
  /** Reading a session is watching it. */
  theirSession(lookup: SessionLookup): SessionLookup;
  hub(hub: Hub): Hub;
}

export interface AuditedDeps {
  readonly audit: Pick<AuditLog, 'record'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Logger, 'warn'>;
}

/** Whose and by whom is the caller's to say, unless it is given; also as null. */
type Facts = Partial<Omit<NewAuditEntry, 'action' | 'address' | 'userAgent'>>;

/** A client that long-polls, or comes back again and again, watches once. */
const WATCHED_WINDOW_MS = 600_000;
/** Credentials of one tenant with their sessions, some 8 MB; beyond, each watch is told: too often rather than never. */
const MAX_WATCHING = 20_000;
/** Of one of them. Who has a whole network could else flush the log with one ticket. */
const MAX_NETWORKS = 20;
/** Both start the polls. */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
/** The credential does not let its caller in; a limit or a fault of ours is no such thing. */
const CREDENTIAL_REFUSALS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['unauthenticated', 'forbidden', 'origin_not_allowed']);
/** The password went to nobody, as often as anybody likes. */
const NO_PASSWORD_GIVEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['not_waiting_for_password', 'too_many_requests']);
/** Whoever tries keys must not push everything else out of the log. */
const REFUSED_WINDOW_MS = 60_000;
/** At each door: tries of the admin key are told however many try tenants' keys, and those however many notify with a wrong token. */
const MAX_REFUSED = 100;
type Door = 'operator' | 'tenant' | 'provider';

export function createAudited({ audit, clock, log }: AuditedDeps): Audited {
  const watching = createOncePerWindow({ windowMs: WATCHED_WINDOW_MS, maxInGroup: MAX_WATCHING, now: clock.now });
  const networks = createOncePerWindow({ windowMs: WATCHED_WINDOW_MS, maxInGroup: MAX_NETWORKS, now: clock.now });
  const refusals = createOncePerWindow({ windowMs: REFUSED_WINDOW_MS, maxInGroup: MAX_REFUSED, now: clock.now });
  /** Refusals without an entry, yet to be told in the log. */
  let leftOut = 0;

  function record(action: AuditAction, facts: Facts): void {
    const caller = currentCaller();
    const { sessionId = null, instanceId = null, subjectId = null, credential = null, outcome = 'ok' } = facts;
    const { tenantId = caller?.tenantId ?? null, actor = caller?.actor ?? { kind: 'system', id: null } } = facts;
    const { address = null, userAgent = null } = caller ?? {};
    audit.record({ tenantId, actor, action, sessionId, instanceId, subjectId, credential, address, userAgent, outcome });
  }

  const ofSession = ({ id, tenantId, instanceId }: Session): Facts => ({ tenantId, instanceId, sessionId: id });

  function watched(principal: Principal, { id: sessionId, instanceId }: Pick<Session, 'id' | 'instanceId'>): void {
    const { kind, id } = actorOf(principal);
    const from = addressGroup(currentCaller()?.address ?? '');
    const who = [sessionId, kind, id].join('|');
    if (watching(principal.tenantId, who) !== 'full' && networks(`${principal.tenantId}|${who}`, from) !== 'new') return;
    asPrincipal(principal, () => record('session.watched', { sessionId, instanceId }));
  }

  function refused(error: unknown, door: Door, credential: AuditCredential | null): void {
    if (error instanceof RefusedError && CREDENTIAL_REFUSALS.has(error.code)) tellRefusal(error.code, door, credential);
  }

  function tellRefusal(outcome: ErrorCode, door: Door, credential: AuditCredential | null): void {
    const seen = refusals(door, `${outcome}|${credential}|${addressGroup(currentCaller()?.address ?? '')}`);
    if (seen === 'full') countLeftOut();
    if (seen !== 'new') return;
    // Neither who was let in before on the same connection, nor the tenant that a stranger names.
    record('auth.refused', { tenantId: null, actor: { kind: 'unknown', id: null }, credential, outcome });
  }

  function countLeftOut(): void {
    if (leftOut++ > 0) return;
    const tell = (): void => {
      log.warn({ leftOut }, 'refusals are missing in the audit log: too many others came in the same minute');
      leftOut = 0;
    };
    setTimeout(tell, REFUSED_WINDOW_MS).unref();
  }

  async function tellingRefusals<T>(credential: AuditCredential | null, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      refused(error, 'tenant', credential);
      throw error;
    }
  }

  return {
    auth: (auth) => ({
      async identify(authorization, origin) {
        const principal = await tellingRefusals(credentialIn(authorization), () => auth.identify(authorization, origin));
        const caller = currentCaller();
        // The one credential of a request: all that follows in it is done by who holds that.
        if (caller !== undefined) Object.assign(caller, { actor: actorOf(principal), tenantId: principal.tenantId });
        return principal;
      },
      // A ticket on a stream is one of several, and this one may yet be refused.
      identifyTicket: (ticket, origin) => tellingRefusals('ticket', () => auth.identifyTicket(ticket, origin)),
      requireAdmin(authorization) {
        try {
          auth.requireAdmin(authorization);
        } catch (error) {
          refused(error, 'operator', credentialIn(authorization) === null ? null : 'admin_key');
          throw error;
        }
        const caller = currentCaller();
        if (caller !== undefined) caller.actor = { kind: 'operator', id: null };
      },
    }),

    service: (service) => ({
      ...service,
      async create(tenant, request) {
        const made = await service.create(tenant, request);
        const { session, isNew, ticket } = made;
        record(isNew ? 'session.created' : 'ticket.issued', { ...ofSession(session), subjectId: ticket.ticketId });
        return made;
      },
      async issueTicket(session, request, tenant) {
        const issued = await service.issueTicket(session, request, tenant);
        record('ticket.issued', { ...ofSession(session), subjectId: issued.ticketId });
        return issued;
      },
      async cancel(...call) {
        const ended = await service.cancel(...call);
        if (ended !== null) record('session.cancelled', ofSession(ended));
        return ended;
      },
      async resume(...call) {
        const session = await service.resume(...call);
        record('session.resumed', ofSession(session));
        return session;
      },
    }),

    passwordStep: (step) => ({
      ...step,
      async submit(session, password) {
        try {
          await step.submit(session, password);
          record('session.password_given', ofSession(session));
        } catch (error) {
          const outcome = error instanceof RefusedError ? error.code : 'unavailable';
          if (!NO_PASSWORD_GIVEN.has(outcome)) record('session.password_given', { ...ofSession(session), outcome });
          throw error;
        }
      },
    }),

    startOver: ({ begin }) => ({
      async begin(session, isViewer) {
        const after = await begin(session, isViewer);
        record('session.started_over', ofSession(session));
        return after;
      },
    }),

    webhookSetup: (setup) => ({
      ...setup,
      async set(session, tenant, request) {
        const answer = await setup.set(session, tenant, request).catch((error: unknown) => {
          // Only then something may have been sent; all other refusals come before.
          const isOurs = error instanceof RefusedError && error.code !== 'unavailable';
          if (!isOurs) record('webhook.set', { ...ofSession(session), outcome: 'unavailable' });
          throw error;
        });
        const outcome = answer.applied === 'unknown' ? 'unknown' : answer.applied ? 'ok' : 'not_applied';
        if (answer.restarted) record('webhook.set', { ...ofSession(session), outcome });
        return answer;
      },
    }),

    revocations: (revocations) => ({
      ...revocations,
      async revoke(tenantId, ticketId) {
        await revocations.revoke(tenantId, ticketId);
        record('ticket.revoked', { tenantId, subjectId: ticketId });
      },
    }),

    tenants: (tenants) => ({
      ...tenants,
      async create(request, given) {
        const created = await tenants.create(request, given);
        record('tenant.created', { tenantId: request.id });
        return created;
      },
      async patch(id, request) {
        const tenant = await tenants.patch(id, request);
        record(request.suspended === true ? 'tenant.suspended' : 'tenant.changed', { tenantId: id });
        return tenant;
      },
      async forget(id) {
        await tenants.forget(id);
        record('tenant.deleted', { tenantId: id });
      },
      async addKey(id) {
        const added = await tenants.addKey(id);
        record('key.added', { tenantId: id, subjectId: added.keyId });
        return added;
      },
      async removeKey(id, keyId) {
        await tenants.removeKey(id, keyId);
        record('key.removed', { tenantId: id, subjectId: keyId });
      },
      async renewCallbackSecret(id) {
        const renewed = await tenants.renewCallbackSecret(id);
        record('tenant.changed', { tenantId: id });
        return renewed;
      },
      async findByWebhookToken(id, tokens) {
        const tenant = await tenants.findByWebhookToken(id, tokens);
        const isShown = tokens.some((token) => token !== '');
        if (tenant === null) tellRefusal('unauthenticated', 'provider', isShown ? 'webhook_token' : null); // as it is answered
        return tenant;
      },
    }),

    theirSession: (lookup) => async (request) => {
      const found = await lookup(request);
      // A ticket without the `view` scope is refused later, so its look-up is not a watch.
      if (READS.has(request.method) && mayView(found.principal)) watched(found.principal, found.session);
      return found;
    },

    hub: (hub) => ({
      ...hub,
      subscribe(options) {
        const subscription = hub.subscribe(options);
        const told = subscription.first.then((session) => {
          if (session !== null) watched(options.by, session);
        });
        told.catch(() => undefined); // the caller of `subscribe` is told of it
        return subscription;
      },
    }),
  };
}
