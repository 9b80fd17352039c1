/** Asks the provider's hosts and the public address, as judge-addresses.ts judges them. */

import { connectionCause } from '@qrcast/core/connection-fault';
import type { ProxyRoute } from '@qrcast/core/http-proxy';
import { parseUpstreamRule } from '@qrcast/core/upstream';
import { reachHost } from '@qrcast/provider/reach';
import { type ProviderFacts, PUBLIC_PATH, type PublicFacts } from './judge-addresses.ts';

const ANSWER_WITHIN_MS = 15_000;
const PROBLEM_OF_OURS = '"type":"urn:qrcast:error:';
/** The provider's own host that is not of one instance. */
const DEFAULT_HOST = 'https://api.green-api.com';

/** @param upstreamHosts QRCAST_UPSTREAM_HOSTS, if it is set */
export async function lookAtProvider(upstreamHosts: readonly string[] | undefined, route: ProxyRoute | null): Promise<ProviderFacts[]> {
  const entries = upstreamHosts === undefined ? [DEFAULT_HOST] : upstreamHosts;
  return Promise.all(
    entries.map(async (entry): Promise<ProviderFacts> => {
      const origin = originOf(entry);
      if (origin === null) return { host: entry, proxy: null, reached: null };
      const isProxied = route !== null && origin.startsWith('https:') && !route.isDirect(origin);
      const reached = await reachHost(origin, { proxyRoute: route, timeoutMs: ANSWER_WITHIN_MS });
      return { host: origin, proxy: isProxied ? route.proxy.address : null, reached };
    }),
  );
}

/** Null for a pattern. */
function originOf(entry: string): string | null {
  const rule = parseUpstreamRule(entry);
  if (rule === null || rule.kind === 'wildcard') return null;
  return rule.kind === 'origin' ? rule.origin : `https://${rule.host}`;
}

/**
 * Asks for what every gateway refuses without a key: proxies keep `/healthz` from the public.
 *
 * @param url QRCAST_PUBLIC_URL
 */
export async function lookAtPublicAddress(url: string, signal: AbortSignal): Promise<PublicFacts> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]);
    const response = await fetch(`${url}${PUBLIC_PATH}`, { redirect: 'manual', signal: limit });
    return { kind: 'answered', status: response.status, isGateway: (await response.text()).includes(PROBLEM_OF_OURS) };
  } catch (error) {
    return { kind: 'failed', cause: connectionCause(error) };
  }
}
