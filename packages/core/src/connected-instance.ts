/**
 * An instance that qrcast connected. It is remembered after its session has ended, so that the loss
 * of its account can be told. Pure: the caller passes the time.
 *
 * - A loss is the provider's word `notAuthorized` or `blocked`, at or after the login.
 * - Each login is lost at most once. The record stays until its time is over, so a repeated
 *   notification changes nothing. Only a newer login replaces it.
 * - A logout that qrcast itself asked for (`relink`, `logoutOnMismatch`) is no loss.
 */

import { z } from 'zod';

export const connectedInstanceSchema = z.object({
  tenantId: z.string(),
  instanceId: z.string(),
  /** The session that connected it, and its reference. */
  sessionId: z.string(),
  reference: z.string().nullable(),
  /**
   * As in the session: requests with equal keys are spaced. Empty if it is not known; then the
   * instance is not checked.
   */
  instanceKey: z.string(),
  /** The earliest moment at which the provider is known to have told of the login, Unix ms. */
  loginAt: z.number(),
  /** Losses after this moment are not told, Unix ms. */
  keepUntil: z.number(),
  /**
   * When qrcast last asked the provider to log the instance out, Unix ms; null if it has not since
   * the login.
   */
  ownLogoutAt: z.number().nullable(),
  /** Null while the account is linked, as far as is known. */
  end: z.enum(['lost', 'logged_out']).nullable(),
  /** Refusals in a row that checks met. */
  refusals: z.number(),
});
export type ConnectedInstance = Readonly<z.infer<typeof connectedInstanceSchema>>;

/**
 * The provider's words for a lost account. `suspended` is a linked account, and `starting` says
 * nothing of it.
 */
export const lossStateSchema = z.enum(['notAuthorized', 'blocked']);
export type LossState = z.infer<typeof lossStateSchema>;

export const DEFAULT_KEEP_CONNECTED_DAYS = 30;
export const MAX_KEEP_CONNECTED_DAYS = 365;
/**
 * A logout that qrcast asked for takes effect within a minute or two. A logout later than this was
 * somebody else's.
 */
export const OWN_LOGOUT_MS = 600_000;
const DAY_MS = 86_400_000;

/** What is known of a login. */
export type Login = Pick<ConnectedInstance, 'tenantId' | 'instanceId' | 'sessionId' | 'reference' | 'instanceKey' | 'loginAt'>;

/**
 * When losses of the login are no longer told, Unix ms. `keepDays` is the tenant's
 * `keepConnectedDays`.
 */
export const periodEnd = ({ loginAt }: Pick<Login, 'loginAt'>, keepDays: number): number => loginAt + keepDays * DAY_MS;

/** The record of a login. Null if the tenant does not want one, or its time is over. */
export function connectedInstance(login: Login, keepDays: number, now: number): ConnectedInstance | null {
  const keepUntil = periodEnd(login, keepDays);
  return now >= keepUntil ? null : { ...login, keepUntil, ownLogoutAt: null, end: null, refusals: 0 };
}

/**
 * Whether losses of the instance are no longer told. The tenant may have shortened `keepDays` since
 * the login.
 */
export function isPeriodOver(record: ConnectedInstance, keepDays: number, now: number): boolean {
  return now >= Math.min(record.keepUntil, periodEnd(record, keepDays));
}

/** The record after a login that may be known already. Of two logins the later one stands. */
export function withLogin(known: ConnectedInstance | null, next: ConnectedInstance): ConnectedInstance {
  if (known === null) return next;
  if (known.sessionId !== next.sessionId) return next.loginAt >= known.loginAt ? next : known;
  // The same login was told twice: by the provider's notification and by the session.
  return next.loginAt < known.loginAt && known.end === null ? { ...known, loginAt: next.loginAt } : known;
}

/**
 * What was said of an instance. `at` is when it happened according to the provider (in whole
 * seconds), or when a check began, Unix ms.
 */
export interface Said {
  readonly state: string;
  readonly at: number;
  readonly by: 'notification' | 'check';
}

/** `logged_out` means that our own logout ended the login, so there is nothing to tell. */
export type LossVerdict = 'lost' | 'logged_out' | 'nothing';

/**
 * A notification carries whole seconds. One from the same second as the login counts as later:
 * accounts were seen logged out again within a second of their login. A `notAuthorized` from before
 * a login is more than a second older, because a code has to be fetched and scanned in between.
 */
export function judgeLoss(record: ConnectedInstance, said: Said, now: number): LossVerdict {
  if (record.end !== null || now >= record.keepUntil || !isLoss(said.state)) return 'nothing';
  if (secondOf(said.at) < secondOf(record.loginAt)) return 'nothing';
  return isOwnLogout(record, said) ? 'logged_out' : 'lost';
}

export const isLoss = (state: string): state is LossState => lossStateSchema.safeParse(state).success;

/**
 * A check that finds the account gone after our own logout knows of no other cause. It may also
 * have begun before the logout and been answered after it.
 */
function isOwnLogout({ ownLogoutAt }: ConnectedInstance, { at, by, state }: Said): boolean {
  if (ownLogoutAt === null || state !== 'notAuthorized') return false;
  return by === 'check' || (secondOf(at) >= secondOf(ownLogoutAt) && at < ownLogoutAt + OWN_LOGOUT_MS);
}

const secondOf = (at: number): number => Math.floor(at / 1000);
