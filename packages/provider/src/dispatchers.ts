import type { ProxyRoute } from '@qrcast/core/http-proxy';
import { Agent, type Dispatcher } from 'undici';
import { createConnector } from './connector.ts';
import type { ProxyFault } from './proxy-fault.ts';
import type { ResolveAll } from './public-lookup.ts';
import { createPublicLookup } from './public-lookup.ts';
import { openTunnel } from './tunnel.ts';

/**
 * Chooses the connection pool for an origin: the direct one, or the one through the operator's
 * proxy.
 */
export interface Dispatchers {
  of(origin: string): Pick<Dispatcher, 'dispatch' | 'request'>;
  /** Ends every connection at once. */
  close(): Promise<void>;
}

export interface DispatcherOptions {
  readonly maxBodyBytes: number;
  readonly keepAliveMs: number;
  readonly connections: number | null;
  readonly privateHosts: readonly string[];
  readonly resolve: ResolveAll;
  readonly proxyRoute: ProxyRoute | null;
  readonly onProxyFault: (fault: ProxyFault, target: string) => void;
}

export function openDispatchers(options: DispatcherOptions): Dispatchers {
  const { proxyRoute, onProxyFault } = options;
  const agentOptions: Agent.Options = {
    // With pipelining a slow answer would delay everything behind it.
    pipelining: 1,
    // If HTTP/2 were allowed, the pool would wait for the first connection's answer before it
    // opened others.
    allowH2: false,
    connections: options.connections,
    keepAliveTimeout: options.keepAliveMs,
    maxResponseSize: options.maxBodyBytes,
  };
  const connector = createConnector(options.privateHosts, createPublicLookup(options.privateHosts, options.resolve));
  const direct = new Agent({ ...agentOptions, connect: connector.connect });
  // The proxy resolves the names, because this machine often has no name server that knows them.
  // The allow-list applies nevertheless.
  const tunnel = proxyRoute === null ? null : openTunnel({ proxy: proxyRoute.proxy, agent: agentOptions, onFault: onProxyFault });

  return {
    of(origin) {
      if (proxyRoute === null || tunnel === null || isPlain(origin)) return direct;
      return proxyRoute.isDirect(origin) ? direct : tunnel.dispatcher;
    },
    async close() {
      const ended = Promise.all([direct.destroy(), tunnel?.close()]);
      connector.close();
      await ended;
    },
  };
}

/**
 * Plain http never leaves this machine (upstream.ts in core). A proxy would take a loopback address
 * for its own machine.
 */
const isPlain = (origin: string): boolean => origin.startsWith('http:');
