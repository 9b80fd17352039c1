/**
 * The session object as clients see it, and how a record becomes one. The shapes are the public
 * contract: fields may be added, never renamed.
 */

import { z } from 'zod';
import { isResumable, type Session } from './session.ts';

export const formatSchema = z.enum(['image', 'text']).meta({ id: 'Format', description: 'A form of the code, which a client may ask for' });
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
    'provider_slow',
  ])
  .meta({ id: 'NoticeCode', description: 'What went wrong while the attempt continues' });

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
  .meta({ id: 'EndReason', description: 'Why the session ended' });

const codeSchema = z
  .object({
    image: z
      .string()
      .nullable()
      .describe('The picture to scan, a `data:image/png;base64,…` URL. Null in lists, if `formats` leaves it out, or if it was lost'),
    text: z
      .string()
      .nullable()
      .describe('The text that the picture encodes. Null in lists, if `formats` leaves it out, or if it could not be read'),
    issuedAt: timestamp.describe('When the provider issued the code, Unix ms'),
    staleAt: timestamp.describe('Do not show the code at or after this time of the server clock, Unix ms'),
  })
  .meta({ id: 'Code' });

const noticeSchema = z
  .object({
    code: noticeCodeSchema,
    retryAt: timestamp.describe(
      'When the next request to the provider is due, Unix ms. For `password_rejected` and `password_rate_limited`: when the password was refused',
    ),
  })
  .meta({ id: 'Notice' });

const accountSchema = z
  .object({
    wid: z.string().nullable().describe("The messenger's id, for example `79990000000@c.us`. Null if it is not known"),
    phone: z.string().nullable().describe('The phone number, digits only. Null if it is not known'),
  })
  .meta({ id: 'Account' });

const endSchema = z
  .object({ reason: endReasonSchema, resumable: z.boolean().describe('Whether the resume call begins a new attempt of this session') })
  .meta({ id: 'End' });

export const wireSessionSchema = z
  .object({
    id: z.string().describe('Opaque'),
    instanceId: z.string().describe('The instance at the provider. A string, although the provider may send a number'),
    reference: z.string().nullable().describe("The tenant's own id of the session. Null if it gave none"),
    version: z
      .number()
      .int()
      .positive()
      .describe('Rises with every change of this session. Keep the newest state, and ignore a state that is not newer'),
    state: sessionStateSchema,
    code: codeSchema.nullable().describe('The code to scan. Null unless the state is `showing`'),
    notice: noticeSchema.nullable().describe('The last problem, if the attempt continues in spite of it. Otherwise null'),
    account: accountSchema.nullable().describe('The linked account. Null unless the state is `connected`'),
    end: endSchema.nullable().describe('Why the session ended. Null unless the state is `ended`'),
    viewers: z.number().int().nonnegative().describe('The number of viewers now, over all gateways. May lag by some seconds'),
    locale: z.string().nullable().describe('The language that the tenant asked for, a BCP 47 tag. Null if it asked for none'),
    returnUrl: z.string().nullable().describe('Where the person is sent after the login. Null if the tenant gave no address'),
    startedAt: timestamp.describe('When the current attempt began, Unix ms'),
    deadlineAt: timestamp.describe('When the attempt ends, Unix ms. Has no meaning while the session is `idle`'),
    expiresAt: timestamp.describe('When the session itself ends, Unix ms'),
    serverNow: timestamp.describe('When this object was made, Unix ms. Use it to correct your own clock'),
  })
  .meta({ id: 'Session', description: 'One complete session, as it was at `serverNow`.' });

export type WireSession = z.infer<typeof wireSessionSchema>;

/**
 * The provider confirmed the same code again. Only `staleAt` and the version have changed.
 */
export const freshSchema = z
  .object({
    id: z.string().describe('The id of the session'),
    version: z.number().int().positive().describe('The new version of the session'),
    staleAt: timestamp.describe('The new `staleAt` of the code, Unix ms'),
  })
  .meta({ id: 'Fresh', description: 'The provider confirmed the same code again. Only `staleAt` and the version have changed.' });

export type Fresh = Readonly<z.infer<typeof freshSchema>>;

export interface Delivery {
  /** The picture of `session.state.code`, a data URL. Null if it is not available or was not asked for. */
  readonly image: string | null;
  readonly viewers: number;
  readonly now: number;
  readonly formats?: readonly Format[];
}

/** What does not change until the session does. */
export type WireBody = Omit<WireSession, 'viewers' | 'serverNow'>;

export function toWire(session: Session, { image, viewers, now, formats }: Delivery): WireSession {
  return { ...toWireBody(session, image, formats), viewers, serverNow: now };
}

/**
 * `code` begins with `image`: gateways find the place of the picture by the bytes before it, and those
 * of other versions do, too.
 * @param image see `Delivery`
 */
export function toWireBody(session: Session, image: string | null, formats: readonly Format[] = ALL_FORMATS): WireBody {
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
    locale: session.locale,
    returnUrl: session.returnUrl,
    startedAt: session.startedAt,
    deadlineAt: session.deadlineAt,
    expiresAt: session.expiresAt,
  };
}

/**
 * What to send to a viewer whose last version is `told`: the whole state, only the new `staleAt`, or
 * nothing.
 */
export function owed(session: Pick<Session, 'version' | 'toldVersion' | 'state'>, told: number): 'session' | 'fresh' | 'nothing' {
  if (session.version <= told) return 'nothing';
  if (session.toldVersion > told) return 'session';
  return session.state.kind === 'showing' ? 'fresh' : 'nothing';
}
