/**
 * Is there a place for one more request at its host? A host that does not answer holds each for up to 65 s; without bounds it would fill the
 * worker. A request that is not let through is answered here, as trouble with the host: viewers are told, and the session backs off.
 *
 *             10 requests in a row went unanswered,
 *             or 50 are under way and none was answered for 10 s
 *    open ─────────────────────────────────────────────────────▶ cut: one request every 2 s tries it
 *      ▲                                                          │
 *      └─────────────────────── any answer ───────────────────────┘
 *
 * Open, it has `concurrency` places, which its tenants share (fair-share.ts). Whatever is wrong with an answer, it is one: what is cut are
 * hosts that keep places taken or cannot be reached. One process knows only what it saw itself; so every worker finds out by itself.
 */

import type { Outcome, TroubleCode } from '@qrcast/core/outcome';
import { createHolders, type Holders, isWithinShare } from '@qrcast/runtime/polling/fair-share';
import { LRUCache } from 'lru-cache';

export interface HostGate {
  /** Runs the request if the host has a place for the tenant; else resolves to the trouble that stands for its answer. */
  pass(host: string, tenantId: string, request: () => Promise<Outcome>): Promise<Outcome>;
}

export interface HostGateOptions {
  /** Requests to one host under way at once. */
  readonly concurrency: number;
  /** Monotonic, ms. */
  readonly now: () => number;
}

interface Host {
  /** Tenants and their requests under way. */
  readonly holders: Holders;
  /** In a row. */
  failures: number;
  /** What the last failure since an answer was; who waits for the first one hears of a timeout. */
  silence: TroubleCode;
  /** Since when somebody waits and nobody was answered. Means nothing while nobody waits. */
  silentFrom: number;
  /** When it was last tried though it was cut. */
  triedAt: number;
}

/** A stray reset or two is no dead host; ten take a refusing one a fraction of a second. */
const FAILURES_UNTIL_CUT = 10;
/**
 * The provider may hold a request for a minute, while an instance has no code. So silence counts only where many wait: a host on which fifty
 * instances are held and no other is answered for this long serves nobody.
 */
const WAITING_UNTIL_CUT = 50;
const SILENT_UNTIL_CUT_MS = 10_000;
/** At 65 s each, 33 places at most are held by tries. */
const TRY_EVERY_MS = 2_000;
/** About 300 B each. */
const KNOWN_HOSTS = 10_000;

export function createHostGate({ concurrency, now }: HostGateOptions): HostGate {
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
      return null; // a try needs no place: waiting requests may hold them all
    }
    const isFree = isWithinShare(host.holders.of(tenantId), concurrency - host.holders.total());
    return isFree ? null : { kind: 'trouble', code: 'rate_limited' };
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
    async pass(name, tenantId, request) {
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
