/**
 * How many requests to one tenant's server are under way in this worker: few, and one alone to a server that is down, so that its callbacks
 * wait in the queue and not in the way of others'. Those that find no turn are told to come back one after another, so that ten thousand
 * of them cost Redis no more than ten.
 */

export interface Turn {
  /** `isWell`: the server answered, whatever it said. */
  leave(isWell: boolean): void;
}

export interface CallbackTurns {
  /** A turn, or after how many ms to ask again. */
  take(key: string): Turn | number;
}

export interface CallbackTurnsOptions {
  readonly atOnce?: number;
  readonly now?: () => number;
}

const AT_ONCE = 10;
/** No answer so often in a row: the server is down, and only one request at a time looks whether it still is. */
const FAILURES_UNTIL_DOWN = 20;

interface Waiting {
  readonly atLeastMs: number;
  /** Between two that come back. */
  readonly apartMs: number;
}

/** About as many a second as a server can take that answers within 50 ms. */
const CROWDED: Waiting = { atLeastMs: 250, apartMs: 5 };
const DOWN: Waiting = { atLeastMs: 15_000, apartMs: 50 };

interface Server {
  underWay: number;
  failures: number;
  /** When it is down: not asked before. */
  restsUntil: number;
  /** When the last of those that wait comes back. */
  lastBackAt: number;
}

export function createCallbackTurns({ atOnce = AT_ONCE, now = Date.now }: CallbackTurnsOptions = {}): CallbackTurns {
  const servers = new Map<string, Server>();

  function wait(server: Server, { atLeastMs, apartMs }: Waiting): number {
    server.lastBackAt = Math.max(now() + atLeastMs, server.lastBackAt + apartMs);
    return server.lastBackAt - now();
  }

  return {
    take(key) {
      const server = servers.get(key) ?? { underWay: 0, failures: 0, restsUntil: 0, lastBackAt: 0 };
      const isDown = server.failures >= FAILURES_UNTIL_DOWN;
      if (isDown && (server.underWay > 0 || now() < server.restsUntil)) return wait(server, DOWN);
      if (server.underWay >= atOnce) return wait(server, CROWDED);
      servers.set(key, server);
      server.underWay++;
      return {
        leave(isWell) {
          server.underWay--;
          server.failures = isWell ? 0 : server.failures + 1;
          server.restsUntil = now() + DOWN.atLeastMs;
          if (server.underWay === 0 && server.failures === 0) servers.delete(key);
        },
      };
    },
  };
}
