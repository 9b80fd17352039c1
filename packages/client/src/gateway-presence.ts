/**
 * Whether there is a gateway at the address at all. Somebody else who answers there, again and again, tells of a wrong address: a host
 * without its path prefix, say. Once a gateway has answered there it is right, and what answers later in its place is a proxy during a rollout.
 */

import type { Closed, TransportName } from './types.ts';

export interface GatewayPresence {
  /** A connection ended, or never came about. */
  ended(over: TransportName, closed: Closed, wasOpen: boolean): void;
  isMissing(): boolean;
}

/** So many answers in a row: one alone may come from a proxy that is just being set up. */
const ANSWERS = 3;

/** Of a handshake that fails, a browser does not say why. */
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
