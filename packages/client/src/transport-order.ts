/**
 * Which transport is tried next. One that fails twice in a row without a word of the gateway gives way to the next, round and round. After a
 * connection is lost it begins with the best one that ever opened here: a gateway that was away for a minute leaves nobody on long-poll.
 */

import type { Transport } from './types.ts';

export interface TransportOrder {
  current(): Transport;
  /** The current one reached the gateway. */
  opened(): void;
  /** A connection that had been open is gone. */
  lost(): void;
  /** It did not open: the gateway said why. */
  refused(): void;
  /** It did not open, and nobody said why. */
  failed(): void;
}

const TRIES_EACH = 2;

/** @param transports best first, at least one */
export function createTransportOrder(transports: readonly [Transport, ...Transport[]]): TransportOrder {
  const opened = new Set<Transport>();
  let index = 0;
  let failures = 0;

  const current = (): Transport => transports[index] ?? transports[0];

  return {
    current,
    opened() {
      opened.add(current());
      failures = 0;
    },
    lost() {
      index = transports.findIndex((transport) => opened.has(transport));
      failures = 0;
    },
    refused() {
      failures = 0;
    },
    failed() {
      failures += 1;
      if (failures < TRIES_EACH) return;
      index = (index + 1) % transports.length;
      failures = 0;
    },
  };
}
