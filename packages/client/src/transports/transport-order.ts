/**
 * Which transport to try next. If one fails twice in a row without an answer of the gateway, the
 * next one is tried, in a cycle. After a connection is lost, the first try uses the best transport
 * that ever opened here. So a gateway that was away for a minute does not leave viewers on
 * long-poll.
 *
 * If nothing arrives over a transport, not even a refusal, a proxy or a firewall most likely
 * swallows it. Then the next one is tried after the first failure, and after a shorter wait. So a
 * person sees a code within 10 s even if both WebSocket and Server-Sent Events are swallowed.
 */

import type { Transport } from '../types.ts';

export interface TransportOrder {
  current(): Transport;
  /** Call when the current transport reached the gateway. */
  opened(): void;
  /** Call when an open connection was lost. */
  lost(): void;
  /** Call when it did not open and the gateway gave the reason. */
  refused(): void;
  /** Call when it did not open and no reason was given. */
  failed(): void;
  /**
   * Call when nothing arrived in time.
   * @param wasOpen whether it had opened, but then brought no state
   * @returns whether to try the next transport at once, because it was not tried since the last
   *   failure
   */
  silent(wasOpen: boolean): boolean;
  /**
   * How long the current transport may take to open, in ms. It gets as long again for the first
   * state.
   */
  openWithinMs(): number;
}

const TRIES_EACH = 2;

/** Enough for TLS, the ticket's check and the first response over a slow network. */
const OPEN_WITHIN_MS = 10_000;
/**
 * If there is another transport to try. Two of these and the first response of a long-poll take
 * less than 10 s.
 */
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
      // This transport worked here before, so the network is down and every other one would be
      // silent too.
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
