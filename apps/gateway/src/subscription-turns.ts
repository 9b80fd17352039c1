/**
 * When each subscription of a connection has its turn. An answer brings a state, a picture in it, and both are kept until the client has read
 * them: who asks on without reading would have them kept for every question. So a session is subscribed to anew only when the answer before
 * was read.
 */

export interface SubscriptionTurns {
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
  /** Its answer was read, or there will be none. Idempotent. */
  end(): void;
}

/** One of those of the same session. */
interface Asked {
  isUnwanted: boolean;
  before: Asked | undefined;
  readonly over: Promise<void>;
  readonly end: () => void;
}

export function createSubscriptionTurns(): SubscriptionTurns {
  /** The latest of each session, until its answer was read. */
  const latest = new Map<string, Asked>();
  let lookups: Promise<unknown> = Promise.resolve();

  function ask(sessionId: string): Asked {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked: Asked = {
      isUnwanted: false,
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
      lookups = Promise.allSettled([lookups, lookup]);
      const asked = ask(await lookup);
      await asked.before?.over;
      asked.before = undefined;
      return asked;
    },

    async unwant(sessionId) {
      await lookups;
      for (let asked = latest.get(sessionId); asked !== undefined; asked = asked.before) asked.isUnwanted = true;
    },
  };
}
