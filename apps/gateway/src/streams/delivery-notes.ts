/**
 * Sums up what the viewers of one session were sent by this gateway, for the session's timeline: an
 * entry a minute while messages are sent, and one when the last viewer has left.
 */

import { encodeDelivery } from '@qrcast/core/timeline';
import type { StreamMeters } from './stream-meters.ts';

type MessageMeters = Pick<StreamMeters, 'sent' | 'superseded'>;

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

  /** The same meters. Each message that is counted there is counted here, too. */
  countIn({ sent, superseded }: MessageMeters): MessageMeters {
    return {
      sent: (transport, kind, ageMs) => {
        this.#messages++;
        if (ageMs !== null) this.#slowestMs = Math.max(this.#slowestMs ?? 0, ageMs);
        sent(transport, kind, ageMs);
      },
      superseded,
    };
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
