/**
 * The session object as clients see it, and how a record becomes one. The shapes are the public
 * contract: fields may be added, never renamed.
 */

import { z } from 'zod';
import { isResumable, type Session } from './session.ts';

export const formatSchema = z.enum(['image', 'text']).meta({ id: 'Format', description: 'What a client may want of a code' });
export type Format = z.infer<typeof formatSchema>;
export const ALL_FORMATS: readonly Format[] = ['image', 'text'];

const timestamp = z.number().int();

export const sessionStateSchema = z
  .enum(['idle', 'waiting', 'showing', 'password', 'connected', 'ended'])
  .meta({ id: 'SessionState', description: 'The state of a session' });

export const noticeCodeSchema = z
  .enum([
    'instance_starting',
    'provider_not_ready',
    'provider_timeout',
    'provider_refused',
    'provider_unreachable',
    'provider_error',
    'rate_limited',
    'password_rejected',
    'password_rate_limited',
    'login_finishing',
  ])
  .meta({ id: 'NoticeCode', description: 'What the trouble is' });

export const endReasonSchema = z
  .enum([
    'deadline',
    'provider_down',
    'cancelled',
    'credentials_rejected',
    'instance_deleted',
    'instance_expired',
    'instance_blocked',
    'account_mismatch',
    'expired',
  ])
  .meta({ id: 'EndReason', description: 'Why it ended' });

const codeSchema = z
  .object({
    image: z
      .string()
      .nullable()
      .describe('The picture to scan, a `data:image/png;base64,…` URL; null in lists, or if `formats` leaves it out'),
    text: z.string().nullable().describe('What the picture says; null if nobody could read it, in lists, or if `formats` leaves it out'),
    issuedAt: timestamp.describe('When the provider gave it, Unix ms'),
    staleAt: timestamp.describe('Do not show it at or after this moment of the server clock, Unix ms'),
  })
  .meta({ id: 'Code' });

const noticeSchema = z
  .object({
    code: noticeCodeSchema,
    retryAt: timestamp.describe(
      'When the provider is asked next, Unix ms. For `password_rejected` and `password_rate_limited`, when the refusal came',
    ),
  })
  .meta({ id: 'Notice' });

const accountSchema = z
  .object({
    wid: z.string().nullable().describe('Like `79990000000@c.us`; null if the provider did not tell it'),
    phone: z.string().nullable().describe('Digits only; null if the provider did not tell it'),
  })
  .meta({ id: 'Account' });

const endSchema = z
  .object({ reason: endReasonSchema, resumable: z.boolean().describe('Whether the resume call begins a new attempt of this session') })
  .meta({ id: 'End' });

export const wireSessionSchema = z
  .object({
    id: z.string().describe('Opaque'),
    instanceId: z.string().describe('The instance at the provider; a string, even if the provider sends a number'),
    reference: z.string().nullable().describe("The tenant's own id of the session, echoed"),
    version: z.number().int().positive().describe('Rises with every change of this session: keep the newest, ignore what is not newer'),
    state: sessionStateSchema,
    code: codeSchema.nullable().describe('Only while `showing`'),
    notice: noticeSchema.nullable().describe('The last trouble, while the attempt goes on'),
    account: accountSchema.nullable().describe('Only when `connected`'),
    end: endSchema.nullable().describe('Only when `ended`'),
    viewers: z.number().int().nonnegative().describe('How many watch now, over all gateways; may lag by some seconds'),
    locale: z.string().nullable().describe('The language the tenant asked for, a BCP 47 tag'),
    returnUrl: z.string().nullable().describe('Where the person goes on after the login'),
    startedAt: timestamp.describe('Start of the current attempt, Unix ms'),
    deadlineAt: timestamp.describe('The attempt ends then, Unix ms; means nothing while `idle`'),
    expiresAt: timestamp.describe('The session itself is over then, Unix ms'),
    serverNow: timestamp.describe('When this object was made, Unix ms: for correcting your own clock'),
  })
  .meta({ id: 'Session', description: 'One session, whole, as it was at `serverNow`.' });

export type WireSession = z.infer<typeof wireSessionSchema>;

/**
 * Tells that the same code was confirmed again. Only its `staleAt` and the version have changed.
 */
export const freshSchema = z
  .object({
    id: z.string().describe('The session'),
    version: z.number().int().positive().describe('Its new version'),
    staleAt: timestamp.describe('Until then the code may be shown now, Unix ms'),
  })
  .meta({ id: 'Fresh', description: 'The same code was confirmed again: nothing changed but how long it may be shown, and the version.' });

export type Fresh = Readonly<z.infer<typeof freshSchema>>;

export interface Delivery {
  /** The picture of `session.state.code`, a data URL. Null if it is not at hand or not wanted. */
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

/**
 * What a viewer must be sent that was last told version `told`: the whole state, only the new
 * `staleAt`, or nothing.
 */
export function owed(session: Session, told: number): 'session' | 'fresh' | 'nothing' {
  if (session.version <= told) return 'nothing';
  if (session.toldVersion > told) return 'session';
  return session.state.kind === 'showing' ? 'fresh' : 'nothing';
}
