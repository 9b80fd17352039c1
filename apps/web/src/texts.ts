/**
 * All texts that a person reads, in each language. The tables have the client's types, so a notice,
 * an end or a refusal without a text does not compile. The texts are for the person with the phone,
 * who knows neither gateway nor provider. They say what happened and what to do. They appear on the
 * hosted page and inside other people's pages, so they do not name "this page" or "this link" as
 * the way back.
 */

import type { LoginRefusal } from '@qrcast/client/element';
import type { EndReason, NoticeCode } from '@qrcast/client/types';

/** Why nothing can be shown. */
export type Refusal = LoginRefusal;

/** Refused calls after which a person can do something. All others share `other`. */
export type CallFailure = 'password_rejected' | 'too_many_requests' | 'forbidden' | 'not_resumable' | 'unavailable' | 'other';

export interface Headline {
  readonly title: string;
  readonly detail: string;
}

export interface Texts {
  /** The direction of the sentences, whatever the direction of the page. */
  readonly direction: 'ltr' | 'rtl';
  readonly connecting: Headline;
  /**
   * By session state. `renewing`: the last code expired and the next has not arrived. `cutOff`: the
   * same, and the connection is lost.
   */
  readonly idle: Headline;
  readonly waiting: Headline;
  readonly renewing: Headline;
  readonly cutOff: Headline;
  readonly showing: Headline;
  /** Shown instead of a code: it was scanned, and the provider is finishing the login. */
  readonly finishing: Headline;
  readonly password: Headline;
  readonly connected: Headline;
  readonly notices: Readonly<Record<NoticeCode, string>>;
  readonly ends: Readonly<Record<EndReason, Headline>>;
  readonly refusals: Readonly<Record<Refusal, Headline>>;
  readonly calls: Readonly<Record<CallFailure, string>>;
  readonly lost: string;
  /** Instead of `lost`, if there has been no connection yet. */
  readonly unreachable: string;
  readonly retryNow: string;
  readonly retryIn: (seconds: number) => string;
  readonly validFor: (seconds: number) => string;
  readonly codeAlt: string;
  readonly steps: readonly [string, string, string];
  /** A person who scans a code that they did not ask for gives their account to somebody else. */
  readonly caution: string;
  readonly openHere: string;
  readonly passwordLabel: string;
  readonly passwordShow: string;
  readonly passwordHide: string;
  readonly passwordSend: string;
  readonly passwordSending: string;
  /**
   * Addresses the person who needs the way out of the password step. `startOver` says what it does.
   */
  readonly startOverQuestion: string;
  readonly startOver: string;
  /** The session allows no more new codes. */
  readonly startOverSpent: string;
  readonly newCode: string;
  readonly newCodeSending: string;
  readonly againIn: (seconds: number) => string;
  readonly phoneEnding: (digits: string) => string;
  readonly returnTo: (host: string) => string;
  readonly returning: (seconds: number) => string;
  /** Instead of `returning`, for a screen reader: read once, without a countdown. */
  readonly returnSoon: (host: string) => string;
  readonly stay: string;
}
