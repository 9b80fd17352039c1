/** The session object as clients see it, and how a record becomes one. Shapes are the public contract: fields may be added, never renamed. */

import { z } from 'zod';
import { isResumable, type Session } from './session.ts';

export const formatSchema = z.enum(['image', 'text']);
export type Format = z.infer<typeof formatSchema>;
export const ALL_FORMATS: readonly Format[] = ['image', 'text'];

const timestamp = z.number().int().describe('Unix milliseconds');

export const wireSessionSchema = z
  .object({
    id: z.string(),
    instanceId: z.string(),
    reference: z.string().nullable(),
    version: z.number().int().positive(),
    state: z.enum(['idle', 'waiting', 'showing', 'password', 'connected', 'ended']),
    code: z.object({ image: z.string().nullable(), text: z.string().nullable(), issuedAt: timestamp, staleAt: timestamp }).nullable(),
    notice: z
      .object({
        code: z.enum([
          'instance_starting',
          'provider_not_ready',
          'provider_timeout',
          'provider_refused',
          'provider_unreachable',
          'provider_error',
          'rate_limited',
          'password_rejected',
          'password_rate_limited',
        ]),
        retryAt: timestamp,
      })
      .nullable(),
    account: z.object({ wid: z.string().nullable(), phone: z.string().nullable() }).nullable(),
    end: z
      .object({
        reason: z.enum([
          'deadline',
          'provider_down',
          'cancelled',
          'credentials_rejected',
          'instance_deleted',
          'instance_expired',
          'instance_blocked',
          'account_mismatch',
          'expired',
        ]),
        resumable: z.boolean(),
      })
      .nullable(),
    viewers: z.number().int().nonnegative(),
    locale: z.string().nullable().describe('The language the tenant asked for, a BCP 47 tag'),
    returnUrl: z.string().nullable().describe('Where the person goes on after the login'),
    startedAt: timestamp,
    deadlineAt: timestamp,
    expiresAt: timestamp,
    serverNow: timestamp,
  })
  .meta({ id: 'Session' });

export type WireSession = z.infer<typeof wireSessionSchema>;

/** The same code, confirmed again: nothing changed but how long it may be shown, and the version. */
export const freshSchema = z.object({ id: z.string(), version: z.number().int().positive(), staleAt: timestamp }).meta({ id: 'Fresh' });

export type Fresh = Readonly<z.infer<typeof freshSchema>>;

export interface Delivery {
  /** The picture of `session.state.code`, a data URL; null where it is not at hand or not wanted. */
  readonly image: string | null;
  readonly viewers: number;
  readonly now: number;
  readonly formats?: readonly Format[];
}

export function toWire(session: Session, { image, viewers, now, formats = ALL_FORMATS }: Delivery): WireSession {
  const { state } = session;
  const notice = 'notice' in state ? state.notice : null;
  return {
    id: session.id,
    instanceId: session.instanceId,
    reference: session.reference,
    version: session.version,
    state: state.kind,
    code:
      state.kind === 'showing'
        ? {
            image: formats.includes('image') ? image : null,
            text: formats.includes('text') ? state.code.text : null,
            issuedAt: state.code.issuedAt,
            staleAt: state.code.staleAt,
          }
        : null,
    notice,
    account: state.kind === 'connected' ? state.account : null,
    end: state.kind === 'ended' ? { reason: state.reason, resumable: isResumable(session) } : null,
    viewers,
    locale: session.locale,
    returnUrl: session.returnUrl,
    startedAt: session.startedAt,
    deadlineAt: session.deadlineAt,
    expiresAt: session.expiresAt,
    serverNow: now,
  };
}

/** What a viewer that was last told version `told` is owed now: the whole state, only the new `staleAt`, or nothing. */
export function owed(session: Session, told: number): 'session' | 'fresh' | 'nothing' {
  if (session.version <= told) return 'nothing';
  if (session.toldVersion > told) return 'session';
  return session.state.kind === 'showing' ? 'fresh' : 'nothing';
}
