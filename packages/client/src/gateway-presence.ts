/**
 * Whether there is a gateway at the address at all. If something else responds there several times,
 * the address is probably wrong, for example a host without its path prefix. Once a gateway has
 * responded, the address is right, and a foreign response is a proxy's during a rollout.
 */

import type { Closed, TransportName } from './types.ts';

export interface GatewayPresence {
  /** Call when a connection ended or could not be made. */
  ended(over: TransportName, closed: Closed, wasOpen: boolean): void;
  isMissing(): boolean;
}

/**
 * Foreign responses in a row before the gateway counts as missing. One alone may come from a proxy
 * that is just being set up.
 */
const ANSWERS = 3;

/**
 * The transports that see what responded. A browser does not say why the handshake of another one
 * failed.
 */
const TELLING: ReadonlySet<TransportName> = new Set(['sse', 'long-poll']);

export function createGatewayPresence(): GatewayPresence {
  let isProven = false;
  let foreign = 0;

  return {
    ended(over, closed, wasOpen) {
      isProven ||= wasOpen || closed.code !== null;
      if (closed.isForeign === true) foreign++;
      else if (TELLING.has(over)) foreign = 0;
    },
    isMissing: () => !isProven && foreign >= ANSWERS,
  };
}
