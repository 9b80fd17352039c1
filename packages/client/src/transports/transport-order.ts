/**
 * Which transport is tried next. One that fails twice in a row without a word of the gateway gives way to the next, round and round. After a
 * connection is lost it begins with the best one that ever opened here: a gateway that was away for a minute leaves nobody on long-poll.
 *
 * One over which nothing comes, not even a refusal, is most likely swallowed by a proxy or a firewall. It gives way at the first time, and
 * sooner, so that a person sees a code within 10 s although both WebSocket and Server-Sent Events are swallowed.
 */

import type { Transport } from '../types.ts';

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
  /**
   * Nothing came in time.
   * @param wasOpen it had opened, but then brought no state
   * @returns whether the next one is to be tried at once, for it was not tried since the last failure
   */
  silent(wasOpen: boolean): boolean;
  /** How long the current one has to open, and as long again to bring its first state. */
  openWithinMs(): number;
}

const TRIES_EACH = 2;

/** For a slow line: TLS, the ticket's check and the first answer. */
const OPEN_WITHIN_MS = 10_000;
/** Where another transport waits. Two of these and the first answer of a long-poll are below 10 s. */
const GIVE_WAY_WITHIN_MS = 4_000;

/** @param transports best first, at least one */
export function createTransportOrder(transports: readonly [Transport, ...Transport[]]): TransportOrder {
  const opened = new Set<Transport>();
  let index = 0;
  let failures = 0;

  const current = (): Transport => transports[index] ?? transports[0];
  const isLast = (): boolean => index === transports.length - 1;

  function giveWay(): void {
    index = (index + 1) % transports.length;
    failures = 0;
  }

  function failed(): void {
    failures += 1;
    if (failures >= TRIES_EACH) giveWay();
  }

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
    failed,
    silent(wasOpen) {
      if (wasOpen) opened.delete(current());
      // One that works here: the network is away, and every other one would be as silent.
      else if (opened.has(current())) {
        failed();
        return false;
      }
      const isNextNew = !isLast();
      giveWay();
      return isNextNew;
    },
    openWithinMs: () => (isLast() || opened.has(current()) ? OPEN_WITHIN_MS : GIVE_WAY_WITHIN_MS),
  };
}
