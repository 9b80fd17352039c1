/** Records what is done with sessions, their tickets and the webhooks of their instances. */

import { type ErrorCode, RefusedError } from '@qrcast/core/errors';
import type { Revocations } from '../auth/ticket-revocations.ts';
import type { WebhookSetup } from '../notifications/webhook-setup.ts';
import type { PasswordStep } from '../sessions/password-step.ts';
import type { SessionService } from '../sessions/session-service.ts';
import type { StartOver } from '../sessions/start-over.ts';
import { ofSession, type RecordAction } from './audit-recorder.ts';

/**
 * Refused before the password reached the provider. Callers can repeat this freely, so it is not
 * audited.
 */
const NO_PASSWORD_GIVEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['not_waiting_for_password', 'too_many_requests']);

export function auditedService(service: SessionService, record: RecordAction): SessionService {
  return {
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
  };
}

export function auditedPasswordStep(step: PasswordStep, record: RecordAction): PasswordStep {
  return {
    ...step,
    async submit(session, password) {
      try {
        const after = await step.submit(session, password);
        record('session.password_given', ofSession(session));
        return after;
      } catch (error) {
        const outcome = error instanceof RefusedError ? error.code : 'unavailable';
        if (!NO_PASSWORD_GIVEN.has(outcome)) record('session.password_given', { ...ofSession(session), outcome });
        throw error;
      }
    },
  };
}

export function auditedStartOver({ begin }: StartOver, record: RecordAction): StartOver {
  return {
    async begin(session, mayView) {
      const after = await begin(session, mayView);
      record('session.started_over', ofSession(session));
      return after;
    },
  };
}

export function auditedRevocations(revocations: Revocations, record: RecordAction): Revocations {
  return {
    ...revocations,
    async revoke(tenantId, ticketId) {
      await revocations.revoke(tenantId, ticketId);
      record('ticket.revoked', { tenantId, subjectId: ticketId });
    },
  };
}

export function auditedWebhookSetup(setup: WebhookSetup, record: RecordAction): WebhookSetup {
  return {
    ...setup,
    async set(session, tenant, request) {
      const answer = await setup.set(session, tenant, request).catch((error: unknown) => {
        // These errors may come after the settings were sent. All other refusals come before.
        const isOurs = error instanceof RefusedError && error.code !== 'unavailable';
        if (!isOurs) record('webhook.set', { ...ofSession(session), outcome: 'unavailable' });
        throw error;
      });
      const outcome = answer.applied === 'unknown' ? 'unknown' : answer.applied ? 'ok' : 'not_applied';
      if (answer.restarted) record('webhook.set', { ...ofSession(session), outcome });
      return answer;
    },
  };
}
