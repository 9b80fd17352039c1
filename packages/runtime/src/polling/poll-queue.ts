/**
 * When which session is polled, cluster-wide. A session is in the queue while somebody watches it and its state wants polls; each claim of
 * it is exclusive, spaced from the last request to the same instance, and comes due again by itself if the claiming process dies.
 */

import type { PollMethod } from '@qrcast/core/outcome';

export interface PollTarget {
  readonly sessionId: string;
  /** Polls of equal instance keys never overlap and keep their distance, whatever their session. */
  readonly instanceKey: string;
  /** Tenants share a worker's places for requests: none can take them all. */
  readonly tenantId: string;
}

export interface Claim {
  readonly target: PollTarget;
  /** When this request starts, by the clock all claims share (Redis), Unix ms. */
  readonly startedAt: number;
  /** When it was due, Unix ms; put off as long as its tenant held its share, or the provider wanted quiet. */
  readonly dueAt: number;
  /** Set if somebody asked for this method, as after a doubtful notification. */
  readonly ask: PollMethod | null;
}

/** What one request leaves behind. */
export interface Polled {
  /** When the session's next is due (Unix ms; it may start `CLAIM_AHEAD_MS` before), null if it needs none. */
  readonly nextAt: number | null;
  /** The provider wants no request to this instance before (Unix ms), whichever session has it and whoever wishes one; unset if it named no time. */
  readonly quietUntil?: number | undefined;
}

export interface PollHandlers {
  /**
   * Does one request and applies its answer. `signal` aborts when the session has left the queue or the consumer stops. A rejection counts
   * as "due again after the usual claim time".
   */
  readonly poll: (claim: Claim, signal: AbortSignal) => Promise<Polled>;
  /** Nobody has watched it any more; it is out of the queue. */
  readonly unwatched: (target: PollTarget) => Promise<void>;
}

export interface PollQueue {
  /**
   * Keeps the target in the queue until `watchedUntil` (Unix ms). One that was not in it is polled at `dueAt` (Unix ms), or as soon as its
   * instance may be asked; one that was in it, at `dueAt` at the latest. Resolves to how long its instance may not be asked yet, ms; 0 if the
   * target was in the queue and no `dueAt` was given. `replaces`: the watch ends then, also where it would have lasted longer.
   */
  ensure(target: PollTarget, watchedUntil: number, dueAt?: number, replaces?: boolean): Promise<number>;
  /** Extends the watch of those in the queue; resolves to those that are not. */
  renew(targets: readonly PollTarget[], watchedUntil: number): Promise<readonly PollTarget[]>;
  /** Asks for a poll as soon as the spacing and the provider allow; nothing if the target is not in the queue. */
  poke(target: PollTarget, ask?: PollMethod): Promise<void>;
  /** Takes it out; a request under way is aborted within seconds. Idempotent. */
  cancel(target: PollTarget): Promise<void>;
  /** Starts to poll in this process, `concurrency` requests at once at most. Resolves to the function that stops it and awaits what is under way, at most `graceMs`. */
  consume(handlers: PollHandlers, options: { readonly concurrency: number }): Promise<(graceMs: number) => Promise<void>>;
  /** Resolves once the queue has answered; rejects if it has not within `timeoutMs`. */
  ping(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}
