/**
 * A scripted fake of the provider (GREEN-API, MAX v3) on a port of its own: for tests, demos and developers without a phone.
 *
 * Everything it knows is in memory and ends with `close()`. Requests are served by node:http alone: half of what has to be reproduced is
 * broken HTTP, which a framework would mend.
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
  /** Like `http://127.0.0.1:4000`, without a slash at the end: the provider's `apiUrl`. */
  readonly url: string;
  /** Throws `duplicate_instance` or `invalid_option`. */
  createInstance(options?: CreateOptions): Instance;
  /** Throws `unknown_instance`. */
  instance(idInstance: string): Instance;
  instances(): readonly Instance[];
  /** Breaks every connection, ends every timer and webhook; may be called again. */
  close(): Promise<void>;
}

/** Longer than clients keep idle connections: a server that closes first makes them lose requests. */
const KEEP_ALIVE_MS = 75_000;

/** Rejects if the port cannot be listened on. */
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
  // A string only for pipes, which nobody can ask for here.
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

/** A client that broke off while its body was read is no fault; anything else is one of the simulator, and the client is told. */
function reportFault(response: ServerResponse, error: unknown): void {
  if (response.destroyed) return;
  const reason = error instanceof Error ? error.message : 'not an error';
  sendReply(response, json({ error: `the simulator failed: ${reason}` }, 500));
}
