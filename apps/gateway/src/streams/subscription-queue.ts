/**
 * When each subscription of a connection has its turn. An answer brings a state, a picture in it, and both are kept until the client has read
 * them: who asks on without reading would have them kept for every question. So a session is subscribed to anew only when the answer before
 * was read, and over all sessions no more than `maxUnread` answers are unread; the rest waits in the order it came.
 */

/**
 * Fewer than a connection may have sessions: who reads does not notice, for a hundred are subscribed to within five times the way to the
 * client and back.
 */
export const MAX_UNREAD_ANSWERS = 20;

export interface SubscriptionQueue {
  /**
   * `lookup`: the session that a ticket is for. Resolves when its subscription may begin; never, if the client does not read.
   * @throws what `lookup` is rejected with.
   */
  take(lookup: Promise<string>): Promise<Turn>;
  /** What was asked for before this is not wanted any more, whether its ticket is still looked at or it waits. Resolves when it is marked. */
  unwant(sessionId: string): Promise<void>;
}

export interface Turn {
  /** It was unsubscribed from before it began. */
  readonly isUnwanted: boolean;
  /** Its ticket was looked at a while ago, and may have ended since. */
  readonly hasWaited: boolean;
  /** Its answer was read, or there will be none. Idempotent. */
  end(): void;
}

/** One of those of the same session. */
interface Asked {
  isUnwanted: boolean;
  hasWaited: boolean;
  before: Asked | undefined;
  readonly over: Promise<void>;
  readonly end: () => void;
}

export function createSubscriptionQueue(maxUnread = MAX_UNREAD_ANSWERS): SubscriptionQueue {
  /** The latest of each session, until its answer was read. */
  const latest = new Map<string, Asked>();
  const places = createPlaces(maxUnread);
  let lookups: Promise<unknown> = Promise.resolve();

  function ask(sessionId: string): Asked {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked: Asked = {
      isUnwanted: false,
      hasWaited: latest.has(sessionId),
      before: latest.get(sessionId),
      over: promise,
      end() {
        if (latest.get(sessionId) === asked) latest.delete(sessionId);
        resolve();
      },
    };
    latest.set(sessionId, asked);
    return asked;
  }

  return {
    async take(lookup) {
      lookups = Promise.allSettled([lookups, lookup]).then(() => undefined); // or each would hold all before it
      const asked = ask(await lookup);
      await asked.before?.over;
      asked.before = undefined;
      if (!places.takeFree()) {
        asked.hasWaited = true;
        await places.take(); // last: who waits for its session holds up no other
      }
      void asked.over.then(places.giveBack);
      return asked;
    },

    async unwant(sessionId) {
      await lookups;
      for (let asked = latest.get(sessionId); asked !== undefined; asked = asked.before) asked.isUnwanted = true;
    },
  };
}

/** First come, first served. */
function createPlaces(count: number): { takeFree(): boolean; take(): Promise<void>; giveBack(): void } {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    takeFree() {
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
