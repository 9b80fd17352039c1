/** Ends a connection that watches nothing: it is of no use to anybody. */

/** From its start, or from when it left the last of its sessions. */
export const SUBSCRIBE_WITHIN_MS = 10_000;

export interface IdleTimeout {
  /** It watches nothing from now on. */
  start(): void;
  /** It watches something, or is over. */
  stop(): void;
}

/** `onEnd` is called if it is idle then; while something is under way, as with a slow Redis, it is asked again. */
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
