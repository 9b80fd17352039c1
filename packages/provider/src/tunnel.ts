import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { authorityOf, bareHost } from '@qrcast/core/authority';
import { isCertificateFault } from '@qrcast/core/connection-fault';
import type { HttpProxy } from '@qrcast/core/http-proxy';
import { type Agent, buildConnector, type Dispatcher, errors, Pool, ProxyAgent } from 'undici';
import { endOnAlert } from './connector.ts';
import { ProxyFault, toProxyFault } from './proxy-fault.ts';

/**
 * Requests through an HTTP proxy, always in a tunnel (CONNECT), also for plain http. So every
 * answer comes from the server itself and cannot be confused with one of the proxy. undici's
 * ProxyAgent does most of it. This adds a time limit for CONNECT, errors for the proxy's own
 * faults, name resolution and its check before CONNECT, and the end of every connection on close.
 */
export interface Tunnel {
  readonly dispatcher: Dispatcher;
  /** Ends every connection at once, also those that are still being opened. */
  close(): Promise<void>;
}

export interface TunnelOptions {
  readonly proxy: HttpProxy;
  /** The options of a direct agent. */
  readonly agent: Omit<Agent.Options, 'connect' | 'factory'>;
  /**
   * Resolves the server's name, and CONNECT then names the address. Without it the proxy resolves
   * the name.
   */
  readonly lookup?: LookupFunction | undefined;
  /**
   * For resolving, reaching the proxy, and its answer to CONNECT together. TLS with the server gets
   * as long again.
   */
  readonly connectTimeoutMs?: number | undefined;
  /** Called for each connection that fails. `target` is the requested host and port. */
  readonly onFault: (fault: ProxyFault, target: string) => void;
}

const CONNECT_TIMEOUT_MS = 10_000;

export function openTunnel({ proxy, agent: agentOptions, lookup, connectTimeoutMs = CONNECT_TIMEOUT_MS, onFault }: TunnelOptions): Tunnel {
  const sockets = new Set<Socket>();
  const authorization = proxy.authorization();

  /** Tries one address of each family, because the proxy may have no IPv6. */
  async function connect(connectPool: ConnectPool, params: Dispatcher.ConnectOptions): Promise<TunnelSocket> {
    const signal = AbortSignal.timeout(connectTimeoutMs);
    const targets = lookup === undefined ? [params.path] : await resolveTarget(lookup, params.path, signal);
    let fault = new ProxyFault('other');
    for (const target of targets) {
      try {
        return await connectTo(connectPool, { ...params, path: target, signal });
      } catch (error) {
        if (error instanceof errors.ClientDestroyedError) throw error;
        fault = toProxyFault(error);
      }
    }
    onFault(fault, params.path);
    throw fault;
  }

  const agent = new ProxyAgent({
    ...agentOptions,
    uri: proxy.origin,
    ...(authorization === null ? {} : { token: authorization }),
    proxyTunnel: true,
    factory: (origin, options) =>
      new Pool(origin, { ...options, connect: alerted(options) }).on('connectionError', (url, _targets, error) => {
        if (isCertificateFault(error)) onFault(new ProxyFault('certificate'), authorityOf(url));
      }),
    clientFactory(origin) {
      const pool = new Pool(origin, { connect: proxyConnector(sockets, origin.hostname, connectTimeoutMs) });
      const connectPool: ConnectPool = pool.connect.bind(pool);
      // ProxyAgent calls only `connect` and the methods that end the pool.
      return Object.assign(pool, { connect: (params: Dispatcher.ConnectOptions) => connect(connectPool, params) });
    },
  });

  return {
    dispatcher: agent,
    async close() {
      const destroyed = agent.destroy();
      for (const socket of sockets) socket.destroy();
      await destroyed;
    },
  };
}

/** The connector that ProxyAgent passes in the options, with the reasons of TLS alerts kept. */
function alerted(options: object): buildConnector.connector {
  const { connect } = options as { readonly connect: buildConnector.connector }; // ProxyAgent always passes a function
  return (target, callback) =>
    connect(target, (...result) => {
      endOnAlert(result[1]);
      callback(...result);
    });
}

/** Sends CONNECT on a connection of its own. */
async function connectTo(connectPool: ConnectPool, params: Dispatcher.ConnectOptions): Promise<TunnelSocket> {
  const { socket, statusCode } = await connectPool({ ...params, headers: { ...params.headers, host: params.path } });
  if (statusCode >= 200 && statusCode < 300) return { socket, statusCode: 200 };
  socket.on('error', () => undefined).destroy();
  throw new ProxyFault('status', statusCode);
}

type ConnectPool = (params: Dispatcher.ConnectOptions) => Promise<Dispatcher.ConnectData>;
type TunnelSocket = Pick<Dispatcher.ConnectData, 'socket' | 'statusCode'>;

/**
 * Keeps the sockets in `sockets` until they are closed, because undici forgets the socket of a
 * tunnel.
 */
function proxyConnector(sockets: Set<Socket>, hostname: string, timeout: number): buildConnector.connector {
  // The type requires a port and host, and does not say that the function returns the socket.
  const open = buildConnector({ allowH2: false, timeout } as buildConnector.BuildOptions) as unknown as (
    ...args: Parameters<buildConnector.connector>
  ) => Socket;
  const bare = bareHost(hostname);
  // The name of the proxy, for its certificate. Undici would use the Host header, which names the
  // server behind the proxy.
  const servername = isIP(bare) === 0 ? { servername: bare } : { servername: undefined as unknown as string };
  return (target, callback) => {
    const socket = open({ ...target, ...servername }, callback);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
}

/**
 * Resolves `host:port` to `address:port`, one for each address family. A literal address is
 * returned unchanged.
 */
async function resolveTarget(lookup: LookupFunction, target: string, signal: AbortSignal): Promise<string[]> {
  const [, hostname = '', port = ''] = /^(.*):(\d+)$/.exec(target) ?? [];
  if (isIP(bareHost(hostname)) !== 0) return [target];
  const looking = new Promise<LookupAddress[]>((resolve, reject) => {
    lookup(hostname, { all: true }, (error, addresses) => (error === null ? resolve(addresses as LookupAddress[]) : reject(error)));
  });
  const addresses = await Promise.race([looking, rejectOn(signal)]);
  return [4, 6].flatMap((family) => {
    const first = addresses.find((found) => found.family === family);
    return first === undefined ? [] : [family === 6 ? `[${first.address}]:${port}` : `${first.address}:${port}`];
  });
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(new ProxyFault('timeout'));
    signal.addEventListener('abort', () => reject(new ProxyFault('timeout')), { once: true });
  });
}
