/**
 * Resolves the hosts of callbacks. Tenants name them, and so they choose the name servers that
 * answer. A silent name server must not hold up others. `dns.lookup` would let it: it blocks one of
 * libuv's few threads, which the whole process shares, and cannot be cancelled. So tenants' names
 * are resolved over sockets of our own (c-ares) within a time limit. Hosts that the operator named
 * may stand in /etc/hosts, which only `dns.lookup` reads.
 */

import { type LookupAddress, lookup as lookupOnThread } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { createPublicLookup } from '@qrcast/provider/public-lookup';

export interface CallbackLookup {
  /**
   * Fails with `EACCES` for a private address, except of hosts the operator named, and with
   * `ETIMEOUT` without an answer in time.
   */
  readonly lookup: LookupFunction;
  /** Cancels the requests under way. */
  close(): void;
}

export interface CallbackLookupOptions {
  /** Hosts that the operator named. */
  readonly namedHosts: readonly string[];
  /** Addresses with a port, for tests. The default is the system's. */
  readonly nameServers?: readonly string[] | undefined;
}

/** For each try at each name server. */
const TRY_MS = 2_000;
const TRIES = 2;
/** For all tries and both kinds of address. It is less than a connection may take. */
const ASK_WITHIN_MS = 5_000;

export function openCallbackLookup({ namedHosts, nameServers }: CallbackLookupOptions): CallbackLookup {
  const named = new Set(namedHosts);
  const asking = new Set<Resolver>();
  let closed = false;

  async function ask(hostname: string): Promise<LookupAddress[]> {
    // One resolver for each name: c-ares shortens its timeouts after fast answers, and tenants
    // could exploit that.
    const resolver = new Resolver({ timeout: TRY_MS, maxTimeout: TRY_MS, tries: TRIES });
    if (nameServers !== undefined) resolver.setServers(nameServers);
    asking.add(resolver);
    const answers = Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    if (closed) resolver.cancel();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      resolver.cancel(); // answers that have come are kept
    }, ASK_WITHIN_MS);
    const [v4, v6] = await answers;
    clearTimeout(timer);
    asking.delete(resolver);
    if (v4.status === 'rejected' && v6.status === 'rejected')
      throw isLate ? Object.assign(new Error('no name server answered in time'), { code: 'ETIMEOUT' }) : v4.reason;
    return [...found(v4, 4), ...found(v6, 6)];
  }

  return {
    lookup: createPublicLookup(namedHosts, (hostname, options, callback) => {
      if (named.has(hostname)) return lookupOnThread(hostname, options, callback);
      ask(hostname).then(
        (addresses) => callback(null, addresses),
        (error: NodeJS.ErrnoException) => callback(error, []),
      );
    }),
    close() {
      closed = true;
      for (const resolver of asking) resolver.cancel();
    },
  };
}

function found(answer: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  return answer.status === 'rejected' ? [] : answer.value.map((address) => ({ address, family }));
}
