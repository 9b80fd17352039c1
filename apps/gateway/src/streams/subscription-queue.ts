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

export const createSubscriptionQueue = (maxUnread = MAX_UNREAD_ANSWERS): SubscriptionQueue => new ConnectionQueue(maxUnread);

/** A class, because a gateway has one for each connection: closures would take three times the memory. */
class ConnectionQueue implements SubscriptionQueue {
  /** The latest of each session, until its answer was read. */
  readonly #latest = new Map<string, Queued>();
  readonly #unread: Semaphore;
  #lookups: Promise<unknown> = Promise.resolve();

  constructor(maxUnread: number) {
    this.#unread = new Semaphore(maxUnread);
  }

  async enter(lookup: Promise<string>): Promise<QueuedSubscription> {
    this.#lookups = Promise.allSettled([this.#lookups, lookup]).then(() => undefined); // or each would hold the results of all before it
    const queued = this.#queue(await lookup);
    await queued.before?.ended;
    queued.before = undefined;
    if (!this.#unread.tryTake()) {
      queued.hasWaited = true;
      await this.#unread.take(); // last: one that waits for its own session holds up no other session
    }
    void queued.ended.then(() => this.#unread.giveBack());
    return queued;
  }

  async withdraw(sessionId: string): Promise<void> {
    await this.#lookups;
    for (let queued = this.#latest.get(sessionId); queued !== undefined; queued = queued.before) queued.isWithdrawn = true;
  }

  #queue(sessionId: string): Queued {
    const latest = this.#latest;
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
}

/** First come, first served. */
class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  tryTake(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  take(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
