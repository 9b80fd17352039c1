/**
 * Sums up what the viewers of one session were sent by this gateway, for the session's timeline: an
 * entry a minute while messages are sent, and one when the last viewer has left.
 */

import { encodeDelivery } from '@qrcast/core/timeline';

const NOTE_EVERY_MS = 60_000;

/** Times are Unix ms. */
export class DeliveryNotes {
  #since: number;
  #viewers = 0;
  #messages = 0;
  #slowestMs: number | null = null;

  constructor(now: number) {
    this.#since = now;
  }

  /** `count`: the viewers there are with the new one. */
  joined(count: number): void {
    this.#viewers = Math.max(this.#viewers, count);
  }

  /** A message to a viewer. `ageMs`: how old the change was; null if its viewer did not wait for it. */
  sent(ageMs: number | null): void {
    this.#messages++;
    if (ageMs !== null) this.#slowestMs = Math.max(this.#slowestMs ?? 0, ageMs);
  }

  isDue(now: number): boolean {
    return now - this.#since >= NOTE_EVERY_MS;
  }

  /**
   * The line for the time since the last one, and begins the next. Null if nothing was sent.
   * `viewers`: how many there are now. `createdAt`: of the session.
   */
  take(now: number, gateway: string, viewers: number, createdAt: number): string | null {
    const entry = { at: now, sinceMs: Math.max(0, now - this.#since), gateway, viewers: this.#viewers, messages: this.#messages };
    const slowestMs = this.#slowestMs === null ? null : Math.round(this.#slowestMs);
    const isQuiet = this.#messages === 0;
    this.#since = now;
    this.#viewers = viewers;
    this.#messages = 0;
    this.#slowestMs = null;
    return isQuiet ? null : encodeDelivery({ ...entry, slowestMs }, createdAt);
  }
}
