/**
 * Limits the requests of this worker to one tenant's server: few at once, and a single one to a
 * server that is down. So the callbacks of a slow server wait in the queue and delay nobody else's.
 * Callbacks without a slot are told to come back one after another, so ten thousand cost Redis no
 * more than ten.
 */

export interface CallbackSlot {
  /** Gives the slot back. `hasAnswered`: the server answered, whatever it said. */
  release(hasAnswered: boolean): void;
}

export interface CallbackSlots {
  /** Returns a slot, or after how many ms to ask again. */
  take(key: string): CallbackSlot | number;
}

export interface CallbackSlotsOptions {
  readonly atOnce?: number;
  /** A clock that nobody sets, ms. The default is that of this process. */
  readonly now?: () => number;
}

const AT_ONCE = 10;
/**
 * After so many failures in a row the server counts as down. Then one request at a time tries it.
 */
const FAILURES_UNTIL_DOWN = 20;

interface Waiting {
  readonly atLeastMs: number;
  /** Between two callbacks that come back. */
  readonly apartMs: number;
}

/** About as many a second as a server can take that answers within 50 ms. */
const FULL: Waiting = { atLeastMs: 250, apartMs: 5 };
const DOWN: Waiting = { atLeastMs: 15_000, apartMs: 50 };

interface Server {
  underWay: number;
  /** In a row. */
  failures: number;
  /** A server that is down gets no request before this. Both times are by `now`. */
  notBefore: number;
  /** When the last of those that wait comes back. */
  lastBackAt: number;
}

export function createCallbackSlots({ atOnce = AT_ONCE, now = () => performance.now() }: CallbackSlotsOptions = {}): CallbackSlots {
  const servers = new Map<string, Server>();

  function wait(server: Server, { atLeastMs, apartMs }: Waiting): number {
    server.lastBackAt = Math.max(now() + atLeastMs, server.lastBackAt + apartMs);
    return server.lastBackAt - now();
  }

  return {
    take(key) {
      const server = servers.get(key) ?? { underWay: 0, failures: 0, notBefore: 0, lastBackAt: 0 };
      const isDown = server.failures >= FAILURES_UNTIL_DOWN;
      if (isDown && (server.underWay > 0 || now() < server.notBefore)) return wait(server, DOWN);
      if (server.underWay >= atOnce) return wait(server, FULL);
      servers.set(key, server);
      server.underWay++;
      return {
        release(hasAnswered) {
          server.underWay--;
          server.failures = hasAnswered ? 0 : server.failures + 1;
          server.notBefore = now() + DOWN.atLeastMs;
          if (server.underWay === 0 && server.failures === 0) servers.delete(key);
        },
      };
    },
  };
}
