/**
 * What a provider notification means for a session. Notifications get lost, doubled and late (up to
 * a day), carry whole seconds and no id, so only a fresh one that says something good is believed
 * at once; all others make us ask the provider itself.
 */

import { z } from 'zod';
import { readAccountPhone } from './account-phone.ts';
import type { Outcome } from './outcome.ts';
import { isLoggingOut, isResumable, isTerminal, type Session } from './session.ts';

/**
 * `stateInstanceChanged`; the provider sends ids as numbers of up to 12 digits, `wid` empty unless
 * linked. Unknown fields are its own.
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
      .describe('Whom it is about'),
    timestamp: z.number().int().nonnegative().describe('When it happened, Unix seconds'),
    stateInstance: z.string().max(64).describe("The provider's word for the instance's state, like `authorized`"),
  })
  .meta({ id: 'StateNotification' });

/** Whom a notification of any kind is about. */
export const notifiedInstanceSchema = z.object({ instanceData: stateNotificationSchema.shape.instanceData.pick({ idInstance: true }) });

export type StateNotification = z.infer<typeof stateNotificationSchema>;

export type Verdict =
  | { readonly kind: 'believe'; readonly outcome: Outcome }
  /** Ask the provider's state method. */
  | { readonly kind: 'check' }
  | { readonly kind: 'ignore' };

export function judgeNotification(session: Session, notification: StateNotification): Verdict {
  if (isTerminal(session) && !isResumable(session)) return { kind: 'ignore' };
  // A notification of that very second may be from before it; so may any of an earlier second.
  const isFresh = notification.timestamp > Math.floor(session.newsFrom / 1000);
  if (isFresh && !session.relink && !isLoggingOut(session)) {
    // Which account it must be is not for the webhook token's holder to say: the provider itself is
    // asked.
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
