/**
 * Limits the requests of this worker to one host. A host that does not answer holds each for up to
 * 65 s; without a limit it would fill the worker. A refused request gets its answer here, as
 * trouble with the host: viewers are told, and the session backs off.
 *
 *             10 requests in a row went unanswered,
 *             or 50 are under way and none was answered for 10 s
 *    open ─────────────────────────────────────────────────────▶ cut: one request every 2 s tries it
 *      ▲                                                          │
 *      └─────────────────────── any answer ───────────────────────┘
 *
 * An open host has `concurrency` slots, which tenants share (fair-share.ts). Every answer counts as
 * one, whatever is wrong with it: only hosts that keep slots taken or cannot be reached are cut. A
 * process knows only its own requests, so every worker finds out by itself.
 */

import type { Outcome, TroubleCode } from '@qrcast/core/outcome';
import { createHolders, type Holders, isWithinShare } from '@qrcast/runtime/polling/fair-share';
import { LRUCache } from 'lru-cache';

export interface HostSlots {
  /**
   * Runs the request if the host has a slot for the tenant. Otherwise resolves to the trouble that
   * replaces its answer.
   */
  run(host: string, tenantId: string, request: () => Promise<Outcome>): Promise<Outcome>;
}

export interface HostSlotsOptions {
  /** Requests under way to one host. */
  readonly concurrency: number;
  /** Monotonic, ms. */
  readonly now: () => number;
}

interface Host {
  /** Tenants and their requests under way. */
  readonly holders: Holders;
  /** In a row. */
  failures: number;
  /**
   * The last failure since an answer. Requests that wait for the first answer are told of a
   * timeout.
   */
  silence: TroubleCode;
  /** Since when requests wait and none was answered. Has no meaning while none waits. */
  silentFrom: number;
  /** When it was last tried while it was cut. */
  triedAt: number;
}

/**
 * A few resets do not mean that a host is down. A host that refuses connections fails ten in a
 * fraction of a second.
 */
const FAILURES_UNTIL_CUT = 10;
/**
 * The provider may hold a request for a minute while an instance has no code. So silence counts
 * only where many wait: a host that holds fifty requests and answers none for this long serves
 * nobody.
 */
const WAITING_UNTIL_CUT = 50;
const SILENT_UNTIL_CUT_MS = 10_000;
/** At up to 65 s each, tries hold at most 33 slots. */
const TRY_EVERY_MS = 2_000;
/** About 300 B each. */
const KNOWN_HOSTS = 10_000;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: its rules read and change the same map of hosts.
export function createHostSlots({ concurrency, now }: HostSlotsOptions): HostSlots {
  const hosts = new LRUCache<string, Host>({ max: KNOWN_HOSTS });

  function hostOf(name: string): Host {
    const known = hosts.get(name);
    if (known !== undefined) return known;
    const host: Host = {
      holders: createHolders(),
      failures: 0,
      silence: 'provider_timeout',
      silentFrom: 0,
      triedAt: Number.NEGATIVE_INFINITY,
    };
    hosts.set(name, host);
    return host;
  }

  function isCut({ failures, holders, silentFrom }: Host): boolean {
    return failures >= FAILURES_UNTIL_CUT || (holders.total() >= WAITING_UNTIL_CUT && now() - silentFrom >= SILENT_UNTIL_CUT_MS);
  }

  function refusal(host: Host, tenantId: string): Outcome | null {
    if (isCut(host)) {
      if (now() - host.triedAt < TRY_EVERY_MS) return { kind: 'trouble', code: host.silence };
      host.triedAt = now();
      return null; // a try needs no slot: waiting requests may hold all of them
    }
    const hasSlot = isWithinShare(host.holders.of(tenantId), concurrency - host.holders.total());
    return hasSlot ? null : { kind: 'trouble', code: 'rate_limited' };
  }

  function learn(host: Host, outcome: Outcome): void {
    if (outcome.kind === 'trouble' && outcome.isUnanswered) {
      host.failures++;
      host.silence = outcome.code;
    } else {
      host.failures = 0;
      host.silence = 'provider_timeout';
      host.silentFrom = now();
    }
  }

  return {
    async run(name, tenantId, request) {
      const host = hostOf(name);
      const refused = refusal(host, tenantId);
      if (refused !== null) return refused;
      if (host.holders.total() === 0) host.silentFrom = now();
      host.holders.take(tenantId);
      try {
        const outcome = await request();
        learn(host, outcome);
        return outcome;
      } finally {
        host.holders.giveBack(tenantId);
      }
    },
  };
}
