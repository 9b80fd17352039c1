/**
 * The newest state of a session, kept as bytes. A gateway has thousands of them and replaces each
 * every few seconds. Kept as objects, they lived just long enough to be expensive for the garbage
 * collector. What is asked for often is kept beside the bytes.
 */

import { isPolled, nextElapseAt } from '@qrcast/core/session';
import type { PollTarget } from '@qrcast/runtime/polling/poll-queue';
import { shardOf } from '@qrcast/runtime/polling/shards';
import type { Picture } from '@qrcast/runtime/sessions/picture';
import { decodeState, type WatchedState } from '@qrcast/runtime/sessions/published-state';
import { ReusedBytes } from '@qrcast/runtime/sessions/reused-bytes';
import { targetOf } from '../sessions/watching.ts';

export class NewestState {
  readonly #lines = new ReusedBytes();
  #image: Picture | null = null;
  #target: PollTarget | null = null;
  #shard = 0;
  #elapsesAt = Number.POSITIVE_INFINITY;
  #isPolled = false;
  #isIdle = false;

  keep({ session, lines, image }: WatchedState): void {
    this.#lines.write(lines);
    this.#image = image;
    if (this.#target?.instanceKey !== session.instanceKey) {
      this.#target = targetOf(session);
      this.#shard = shardOf(this.#target);
    }
    this.#elapsesAt = nextElapseAt(session);
    this.#isPolled = isPolled(session);
    this.#isIdle = session.state.kind === 'idle';
  }

  /** Parses a copy. Null if there is none yet. Its picture holds until the next `keep`. */
  read(): WatchedState | null {
    if (this.#target === null) return null;
    return { ...decodeState(Buffer.from(this.#lines.bytes), this.#target.sessionId), image: this.#image };
  }

  isEmpty(): boolean {
    return this.#target === null;
  }

  /** Null unless the session is polled. */
  polled(): PollTarget | null {
    return this.#isPolled ? this.#target : null;
  }

  /** The shard of the poll queue that the session belongs to; 0 while there is no state. */
  shard(): number {
    return this.#shard;
  }

  isIdle(): boolean {
    return this.#isIdle;
  }

  /** Whether time has changed the session since. @param now Unix ms */
  isElapsed(now: number): boolean {
    return now >= this.#elapsesAt;
  }
}
