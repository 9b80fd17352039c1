/** Ends a connection that watches nothing, because nobody needs it. */

/** From the start of the connection, or from when it left the last of its sessions. */
export const SUBSCRIBE_WITHIN_MS = 10_000;

export interface IdleTimeout {
  /** The connection watches nothing from now on. */
  start(): void;
  /** It watches something, or has ended. */
  stop(): void;
}

/**
 * `onEnd` is called when the time is over and the connection is idle. While something is under way,
 * as when Redis is slow, the time begins anew.
 */
export function createIdleTimeout(isIdle: () => boolean, onEnd: () => void): IdleTimeout {
  let timer: NodeJS.Timeout | undefined;
  function start(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      if (isIdle()) onEnd();
      else start();
    }, SUBSCRIBE_WITHIN_MS);
  }
  return {
    start,
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
