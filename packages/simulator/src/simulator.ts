/**
 * A scripted fake of the provider (GREEN-API, MAX v3) on its own port, for tests, demos and
 * developers without a phone.
 *
 * It keeps everything in memory until `close()`. It uses only node:http, because half of what it
 * reproduces is broken HTTP, which a framework would repair.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { handleControl, isControlPath } from './control-routes.ts';
import { SimulatorError } from './errors.ts';
import type { Instance } from './instance.ts';
import type { Settled, SimulatorOptions } from './options.ts';
import { SIMULATOR_DEFAULTS } from './options.ts';
import { handlePartner, isPartnerPath } from './partner-routes.ts';
import { handleProvider, isProviderPath } from './provider-routes.ts';
import type { CreateOptions, Registry } from './registry.ts';
import { createRegistry } from './registry.ts';
import { json, nginxPage, sendReply } from './reply.ts';

export interface Simulator {
  /** The provider's `apiUrl`, like `http://127.0.0.1:4000`, without a slash at the end. */
  readonly url: string;
  /** Throws `duplicate_instance` or `invalid_option`. */
  createInstance(options?: CreateOptions): Instance;
  /** Throws `unknown_instance`. */
  instance(idInstance: string): Instance;
  instances(): readonly Instance[];
  /** Breaks every connection and ends every timer and webhook. Can be called again. */
  close(): Promise<void>;
}

/**
 * Longer than clients keep idle connections, because they lose requests if the server closes first.
 */
const KEEP_ALIVE_MS = 75_000;

/** Rejects if it cannot listen on the port. */
export async function openSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settled: Settled = { seed: randomUUID(), ...SIMULATOR_DEFAULTS, ...options };
  const registry = createRegistry(settled);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
  const url = await listen(server, settled).catch(async (error: unknown) => {
    await registry.close();
    throw error;
  });
  const simulator = createSimulator(url, registry, server);
  server.on('request', createHandler(settled, registry, simulator));
  return simulator;
}

function createSimulator(url: string, registry: Registry, server: Server): Simulator {
  let closed: Promise<void> | undefined;
  return {
    url,
    createInstance: (options) => registry.create(options),
    instance: (idInstance) => {
      const instance = registry.find(idInstance);
      if (instance === undefined) throw new SimulatorError('unknown_instance', `there is no instance ${idInstance}`);
      return instance;
    },
    instances: () => registry.all(),
    close: () => (closed ??= closeAll(registry, server)),
  };
}

async function closeAll(registry: Registry, server: Server): Promise<void> {
  const isClosed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await Promise.all([isClosed, registry.close()]);
}

async function listen(server: Server, { host, port }: Settled): Promise<string> {
  server.listen(port, host);
  await once(server, 'listening');
  // It is a string only for pipes, which the options do not allow.
  const { address, port: actual } = server.address() as AddressInfo;
  return `http://${address.includes(':') ? `[${address}]` : address}:${actual}`;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

function createHandler(settled: Settled, registry: Registry, simulator: Simulator): Handler {
  const { now, enforceRateLimit } = settled;
  const provider = { now, enforceRateLimit, findInstance: registry.find };
  const partner = {
    now,
    partnerToken: settled.partnerToken ?? null,
    url: simulator.url,
    instances: registry.all,
    create: () => {
      const instance = registry.create();
      instance.account.restart('dropLink', 'creating');
      return instance;
    },
  };
  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '';
    if (isProviderPath(url)) return handleProvider(provider, request, response);
    if (isPartnerPath(url)) return handlePartner(partner, request, response);
    if (isControlPath(url)) return handleControl(simulator, request, response);
    sendReply(response, nginxPage(404));
  }
  return (request, response) => {
    handle(request, response).catch((error: unknown) => reportFault(response, error));
  };
}

/**
 * Tells the client about a fault of the simulator. It is no fault if the client broke off while its
 * body was read.
 */
function reportFault(response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  const reason = error instanceof Error ? error.message : 'not an error';
  sendReply(response, json({ error: `the simulator failed: ${reason}` }, 500));
}
