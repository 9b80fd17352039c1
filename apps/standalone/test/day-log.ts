/** What is known of a day without any metric: what the provider, the viewers and a tenant's server saw. */

import type { Request, SessionLog, Span, Told, ViewerLog } from '../chaos/checker.ts';

export interface DayRequest extends Request {
  /** What the provider answered. Null if nothing. */
  readonly status: number | null;
}

export interface DayTold extends Told {
  /** Of the code that was told: when it must not be shown any more. */
  readonly staleAt: number | null;
}

export interface DayViewerLog extends ViewerLog {
  readonly told: readonly DayTold[];
}

export interface LoginLog extends SessionLog {
  readonly requests: readonly DayRequest[];
  readonly viewers: readonly DayViewerLog[];
  /** Its notifications were lost, so that only polls could find the login. */
  readonly isNotificationLost: boolean;
  /** How many notifications the provider sent. */
  readonly notifications: number;
}

/** Something that a metric has to have counted, and when: not before `from`, and not after `to`. */
export interface Countable extends Span {
  readonly name: string;
}

export interface DayLog {
  readonly logins: readonly LoginLog[];
  /** Of the tenants' server: `<type> <outcome>`. */
  readonly tries: readonly Countable[];
  /** The sessions whose login the tenants' server was told. */
  readonly calledBack: readonly string[];
  /** The refusals that callers were answered, by code. */
  readonly refusals: readonly Countable[];
  /** When a process ran whose counts were perhaps not scraped. */
  readonly unscraped: readonly Span[];
}
