/**
 * What a notification of the provider means for a session. Notifications get lost, come twice, or
 * come up to a day late. They carry whole seconds and no id. So only fresh good news is believed at
 * once. After any other notification the provider itself is asked.
 */

import { z } from 'zod';
import { readAccountPhone } from './account-phone.ts';
import type { Outcome } from './outcome.ts';
import { isLoggingOut, isResumable, isTerminal, type Session } from './session.ts';

/**
 * The notification `stateInstanceChanged`. The provider sends ids as numbers of up to 12 digits,
 * and an empty `wid` unless the instance is linked. Unknown fields are ignored.
 */
export const stateNotificationSchema = z
  .object({
    typeWebhook: z.literal('stateInstanceChanged'),
    instanceData: z
      .object({
        idInstance: z
          .union([z.number().int().positive(), z.string().regex(/^\d{1,20}$/)])
          .transform(String)
          .describe('The instance'),
        wid: z.string().max(128).nullish().describe('The linked account, if there is one'),
      })
      .describe('The instance that the notification is about'),
    timestamp: z.number().int().nonnegative().describe('When it happened, Unix seconds'),
    stateInstance: z.string().max(64).describe("The provider's word for the state of the instance, for example `authorized`"),
  })
  .meta({ id: 'StateNotification' });

/** The instance that a notification of any kind is about. */
export const notifiedInstanceSchema = z.object({ instanceData: stateNotificationSchema.shape.instanceData.pick({ idInstance: true }) });

export type StateNotification = z.infer<typeof stateNotificationSchema>;

export type Verdict =
  | { readonly kind: 'believe'; readonly outcome: Outcome }
  /** Ask the provider's state method. */
  | { readonly kind: 'check' }
  | { readonly kind: 'ignore' };

export function judgeNotification(session: Session, notification: StateNotification): Verdict {
  if (isTerminal(session) && !isResumable(session)) return { kind: 'ignore' };
  // A notification of the same second, or of an earlier one, may be from before `newsFrom`.
  const isFresh = notification.timestamp > Math.floor(session.newsFrom / 1000);
  if (isFresh && !session.relink && !isLoggingOut(session)) {
    // If a phone is expected, the holder of the webhook token must not decide whose login it is.
    // The provider itself is asked.
    if (notification.stateInstance === 'authorized' && session.expectedPhone === null) {
      return { kind: 'believe', outcome: { kind: 'authorized', account: accountOf(notification.instanceData.wid) } };
    }
    if (notification.stateInstance === 'pendingPassword') return { kind: 'believe', outcome: { kind: 'passwordWanted' } };
  }
  return { kind: 'check' };
}

function accountOf(wid: string | null | undefined): { wid: string; phone: string | null } | null {
  if (wid == null || wid === '') return null;
  return { wid, phone: wid.includes('@') ? readAccountPhone(wid) : null };
}
