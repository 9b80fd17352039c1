/**
 * For tests: a small real CONNECT proxy on a free loopback port. The test decides where its tunnels
 * lead, and sees what was requested.
 */

import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TEST_CERTIFICATE, TEST_KEY } from './certificate.ts';

export interface ConnectProxy {
  /** `http://127.0.0.1:port`, or `https:`, without credentials. */
  readonly url: string;
  readonly port: number;
  /** The targets of all CONNECT requests, in order. */
  readonly targets: readonly string[];
  /** The headers of each CONNECT. */
  readonly headers: readonly IncomingHttpHeaders[];
  /** Requests other than CONNECT, which no client should make. */
  readonly others: readonly string[];
  /** Ends all open tunnels, as a proxy does with idle ones. */
  cut(): void;
  /** Resolves when no connection to it is open. */
  untilIdle(): Promise<void>;
  close(): Promise<void>;
}

export interface ConnectProxyOptions {
  /**
   * Where a tunnel leads. Default: to the target itself. A number is answered as the status; null
   * is never answered.
   */
  readonly route?: (target: string) => { readonly host: string; readonly port: number } | number | null;
  /** The `user:password` that it requires. */
  readonly credentials?: string;
  readonly tls?: boolean;
  readonly host?: string;
}

export async function openConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const { route = hostAndPort, credentials, tls = false, host = '127.0.0.1' } = options;
  const server = tls ? createTlsServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }) : createServer();
  const [targets, headers, others] = [[] as string[], [] as IncomingHttpHeaders[], [] as string[]];
  const sockets = new Set<Duplex>();
  const idle = new EventEmitter();
  const keep = (socket: Duplex): void => {
    sockets.add(socket);
    socket.on('error', () => undefined); // either side may cut it, which the tests are about
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) idle.emit('idle');
    });
  };

  server.on('request', (request: IncomingMessage, response) => {
    others.push(`${request.method} ${request.url}`);
    response.writeHead(403).end();
  });
  server.on('connect', (request: IncomingMessage, client: Socket) => {
    keep(client);
    targets.push(request.url ?? '');
    headers.push(request.headers);
    const leads = isAllowed(request, credentials) ? route(request.url ?? '') : 407;
    if (leads === null) return void client.resume().once('end', () => client.end()); // so that its end is noticed
    if (typeof leads === 'number') return void client.end(answerOf(leads));
    keep(openTunnel(client, leads));
  });
  server.on('connection', keep);
  const port = await listen(server, host);
  const close = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const untilIdle = async (): Promise<void> => {
    if (sockets.size > 0) await once(idle, 'idle');
  };
  const name = host.includes(':') ? `[${host}]` : host;
  return { url: `${tls ? 'https' : 'http'}://${name}:${port}`, port, targets, headers, others, cut, untilIdle, close };
}

function isAllowed({ headers }: IncomingMessage, credentials: string | undefined): boolean {
  return credentials === undefined || headers['proxy-authorization'] === `Basic ${Buffer.from(credentials).toString('base64')}`;
}

/** @returns the connection to where the tunnel leads */
function openTunnel(client: Socket, leads: { readonly host: string; readonly port: number }): Socket {
  const upstream = connect(leads.port, leads.host, () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    upstream.pipe(client);
    client.pipe(upstream);
  });
  upstream.once('close', () => client.destroy());
  client.once('close', () => upstream.destroy());
  return upstream;
}

/** With the body and headers of a real proxy, none of which may reach a caller. */
function answerOf(status: number): string {
  const body = '<html>secret-of-the-proxy</html>';
  const headers = `content-type: text/html\r\nproxy-authenticate: Basic realm="proxy"\r\nretry-after: 3600\r\ncontent-length: ${body.length}`;
  return `HTTP/1.1 ${status} No\r\n${headers}\r\n\r\n${body}`;
}

function hostAndPort(target: string): { host: string; port: number } {
  const [, host = '', port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(target) ?? [];
  return { host, port: Number(port) };
}

async function listen(server: Server, host: string): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port; // it listens on TCP
}
