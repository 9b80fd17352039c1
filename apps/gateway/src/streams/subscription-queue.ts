/**
 * Orders the subscriptions of one connection. The answer to a subscription holds a state with a
 * picture, and both are kept until the client has read them: a client that subscribes on without
 * reading would have one kept for each of its requests. So a session is subscribed to anew only
 * after the answer before was read, and of all sessions at most `maxUnread` answers are unread.
 * The rest waits in the order in which it came.
 */

/**
 * Fewer than the sessions that a connection may watch. A client that reads does not notice: a
 * hundred subscriptions take five round trips.
 */
export const MAX_UNREAD_ANSWERS = 20;

export interface SubscriptionQueue {
  /**
   * Waits until a subscription may begin. `lookup`: the session that its ticket is for. Never
   * resolves if the client does not read. @throws what `lookup` rejects with.
   */
  enter(lookup: Promise<string>): Promise<QueuedSubscription>;
  /**
   * Marks all subscriptions to the session that entered before this call as withdrawn, also those
   * whose ticket is still being looked up. Resolves when they are marked.
   */
  withdraw(sessionId: string): Promise<void>;
}

export interface QueuedSubscription {
  /** The client unsubscribed before this began. */
  readonly isWithdrawn: boolean;
  /** Its ticket was checked before the wait, and may have ended since. */
  readonly hasWaited: boolean;
  /** Its answer was read, or there will be none. Idempotent. */
  end(): void;
}

interface Queued {
  isWithdrawn: boolean;
  hasWaited: boolean;
  /** The one before it of the same session. */
  before: Queued | undefined;
  readonly ended: Promise<void>;
  readonly end: () => void;
}

export function createSubscriptionQueue(maxUnread = MAX_UNREAD_ANSWERS): SubscriptionQueue {
  /** The latest of each session, until its answer was read. */
  const latest = new Map<string, Queued>();
  const unread = createSemaphore(maxUnread);
  let lookups: Promise<unknown> = Promise.resolve();

  function queue(sessionId: string): Queued {
    const { promise, resolve } = Promise.withResolvers<void>();
    const queued: Queued = {
      isWithdrawn: false,
      hasWaited: latest.has(sessionId),
      before: latest.get(sessionId),
      ended: promise,
      end() {
        if (latest.get(sessionId) === queued) latest.delete(sessionId);
        resolve();
      },
    };
    latest.set(sessionId, queued);
    return queued;
  }

  return {
    async enter(lookup) {
      lookups = Promise.allSettled([lookups, lookup]).then(() => undefined); // or each would hold the results of all before it
      const queued = queue(await lookup);
      await queued.before?.ended;
      queued.before = undefined;
      if (!unread.tryTake()) {
        queued.hasWaited = true;
        await unread.take(); // last: one that waits for its own session holds up no other session
      }
      void queued.ended.then(unread.giveBack);
      return queued;
    },

    async withdraw(sessionId) {
      await lookups;
      for (let queued = latest.get(sessionId); queued !== undefined; queued = queued.before) queued.isWithdrawn = true;
    },
  };
}

/** First come, first served. */
function createSemaphore(count: number): { tryTake(): boolean; take(): Promise<void>; giveBack(): void } {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    tryTake() {
      if (free === 0) return false;
      free--;
      return true;
    },
    take: () => new Promise((resolve) => waiting.push(resolve)),
    giveBack() {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    },
  };
}
