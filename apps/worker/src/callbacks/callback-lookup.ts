/**
 * Resolves the hosts of callbacks. A tenant names them, and so who answers for them: one whose name server is silent must not hold what
 * others need. `dns.lookup` would, for the whole process has libuv's few threads for it, and nobody can call a question back. So a tenant's
 * name is asked for over sockets of our own (c-ares), within a time of ours; what the operator named may stand in /etc/hosts, which only
 * `dns.lookup` reads.
 */

import { type LookupAddress, lookup as lookupOnThread } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { createPublicLookup } from '@qrcast/provider/public-lookup';

export interface CallbackLookup {
  /** No private address, except of a host named by the operator: `EACCES`. No answer in time: `ETIMEOUT`. */
  readonly lookup: LookupFunction;
  /** Calls back what is asked. */
  close(): void;
}

export interface CallbackLookupOptions {
  /** By the operator. */
  readonly namedHosts: readonly string[];
  /** Addresses with a port, for tests; else the system's. */
  readonly nameServers?: readonly string[] | undefined;
}

/** Each of two tries, at each name server. */
const TRY_MS = 2_000;
const TRIES = 2;
/** All together, for both kinds of address: less than a connection may take. */
const ASK_WITHIN_MS = 5_000;

export function openCallbackLookup({ namedHosts, nameServers }: CallbackLookupOptions): CallbackLookup {
  const named = new Set(namedHosts);
  const asking = new Set<Resolver>();
  let closed = false;

  async function ask(hostname: string): Promise<LookupAddress[]> {
    // One for each name: it waits the less for an answer the faster others came, and tenants are not to teach it that.
    const resolver = new Resolver({ timeout: TRY_MS, maxTimeout: TRY_MS, tries: TRIES });
    if (nameServers !== undefined) resolver.setServers(nameServers);
    asking.add(resolver);
    const answers = Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    if (closed) resolver.cancel();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      resolver.cancel(); // what has come by then is kept
    }, ASK_WITHIN_MS);
    const [v4, v6] = await answers;
    clearTimeout(timer);
    asking.delete(resolver);
    if (v4.status === 'rejected' && v6.status === 'rejected')
      throw isLate ? Object.assign(new Error('no name server has answered in time'), { code: 'ETIMEOUT' }) : v4.reason;
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
