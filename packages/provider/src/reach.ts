/**
 * Can the provider's host be reached from here? One request without credentials, over the same
 * connections as the calls of provider.ts: with its proxy, its certificates and its refusal of
 * private addresses.
 */

import { lookup } from 'node:dns';
import { connectionCause, type FaultCause } from '@qrcast/core/connection-fault';
import type { ProxyRoute } from '@qrcast/core/http-proxy';
import { openDispatchers } from './dispatchers.ts';
import { PROVIDER_DEFAULTS } from './provider.ts';
import { ProxyFault, type ProxyFaultKind } from './proxy-fault.ts';
import type { ResolveAll } from './public-lookup.ts';

export type Reached =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly cause: FaultCause }
  /** The name resolves to addresses of a private network only. */
  | { readonly kind: 'private' }
  /** The proxy did not open the way. `status`: its answer to CONNECT. */
  | { readonly kind: 'proxy'; readonly fault: ProxyFaultKind; readonly status: number | null };

export interface ReachOptions {
  /** Null: directly. */
  readonly proxyRoute: ProxyRoute | null;
  readonly timeoutMs: number;
  /** Resolves host names. */
  readonly resolve?: ResolveAll;
}

/** Any answer counts, because without credentials the provider refuses. Never rejects. */
export async function reachHost(origin: string, { proxyRoute, timeoutMs, resolve = lookup }: ReachOptions): Promise<Reached> {
  const { maxBodyBytes, keepAliveMs, connections, userAgent } = PROVIDER_DEFAULTS;
  const dispatchers = openDispatchers({
    ...{ maxBodyBytes, keepAliveMs, connections, proxyRoute, resolve },
    privateHosts: [],
    onProxyFault: () => undefined,
  });
  const request = { origin, path: '/', method: 'GET', headers: { 'user-agent': userAgent } } as const;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Reached>((settle) => {
    timer = setTimeout(() => settle({ kind: 'failed', cause: 'timeout' }), timeoutMs);
  });
  try {
    const asked = dispatchers.of(origin).request(request);
    const answered = asked.then(({ statusCode, body }): Reached => {
      body.on('error', () => undefined); // the connection is closed below, before it was read
      return { kind: 'answered', status: statusCode };
    }, failureOf);
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
    await dispatchers.close(); // also ends what was not answered in time
  }
}

function failureOf(error: Error & { readonly code?: unknown }): Reached {
  if (error instanceof ProxyFault) return { kind: 'proxy', fault: error.kind, status: error.status };
  if (error.code === 'EACCES') return { kind: 'private' }; // refused by public-lookup.ts
  return { kind: 'failed', cause: connectionCause(error) };
}
