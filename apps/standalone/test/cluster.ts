/** For tests across roles: gateways and workers over one real Redis, and the simulated provider. */

import { randomBytes, randomUUID } from 'node:crypto';
import type { Policy } from '@qrcast/core/schedule';
import type { WireSession } from '@qrcast/core/wire';
import { PAGE_FOLDER } from '@qrcast/gateway/api/page-folder';
import { type Gateway, startGateway } from '@qrcast/gateway/gateway';
import { createLog } from '@qrcast/runtime/log';
import type { Meters } from '@qrcast/runtime/metrics/meters';
import { type Node, openNode } from '@qrcast/runtime/node';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import type {} from '@qrcast/runtime/test/redis'; // what `inject` knows
import type { Instance } from '@qrcast/simulator/instance';
import type { SimulatorOptions } from '@qrcast/simulator/options';
import { openSimulator, type Simulator } from '@qrcast/simulator/simulator';
import { startWorker } from '@qrcast/worker/worker';
import { io, type Socket } from 'socket.io-client';

/**
 * Polls are frequent, while codes and attempts last long. On a slow machine a poll may be late, and
 * only a test about that may see a code expire or an attempt end.
 */
export const TEST_POLICY: Policy = { intervalMs: 1_500, codeTtlMs: 120_000, attemptMs: 900_000 };

const ADMIN_KEY = 'admin-key-of-the-tests-0123456789';
const LOG = createLog('test', 'silent');

export interface ClusterOptions {
  readonly redisUrl: string;
  readonly gateways?: number;
  readonly workers?: number;
  readonly policy?: Partial<Policy>;
  readonly unwatchedGraceMs?: number;
  readonly callbackHosts?: readonly string[];
  readonly simulator?: SimulatorOptions;
  readonly publicUrl?: string;
  readonly hasConsole?: boolean;
  /** How long a minute of `checkConnectedEvery` lasts, ms. */
  readonly checkMinuteMs?: number;
  /** Where all roles count together. */
  readonly meters?: Meters;
}

export interface Created {
  readonly session: WireSession;
  readonly ticket: string;
}

export interface Cluster {
  readonly simulator: Simulator;
  readonly gateways: readonly Gateway[];
  readonly apiKey: string;
  readonly adminKey: string;
  readonly webhookToken: string;
  /** The options of startWorker, for a worker in a process of its own. */
  readonly worker: Omit<Parameters<typeof startWorker>[0], 'log'>;
  /**
   * Creates an instance that notifies the first gateway.
   *
   * @param phone as the provider reports it
   */
  newInstance(phone?: string): Instance;
  create(instance: Instance, body?: Record<string, unknown>): Promise<Created>;
  /** Creates a session for a tenant that this call creates, too. */
  createFor(tenantId: string, instance: Instance): Promise<Created>;
  call(method: string, path: string, body?: unknown): Promise<Response>;
  /** Lets the attempt's deadline pass, as time would. The session must be watched. */
  passDeadline(sessionId: string): Promise<void>;
  /** Resolves to true if nobody watches the session but its login is still followed. */
  isUnwatched(sessionId: string): Promise<boolean>;
  /** Connects a viewer to one of the gateways. */
  view(ticket: string, gateway?: number, handshake?: { readonly visible: boolean }): Viewer;
  close(): Promise<void>;
}

export interface Viewer {
  readonly socket: Socket;
  /** Whole states, in the order of their arrival. */
  readonly sessions: readonly WireSession[];
  readonly versions: readonly number[];
  /** Resolves to the first state, past or future, that fits. */
  until(fits: (session: WireSession) => boolean): Promise<WireSession>;
}

export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const releasers = createReleasers();
  const simulator = await openSimulator({ rotateMs: 3_000, ...options.simulator });
  releasers.push('simulator', () => simulator.close());
  const worker = workerOptions(options, simulator.url);
  const gateways = await startRoles(options, worker, releasers);
  const node = await openNode({ ...worker, log: LOG });
  releasers.push('node', () => node.close());
  const [first] = gateways;
  if (first === undefined) throw new Error('a cluster needs a gateway');
  const { apiKey, webhookToken } = (await first.tenants.create({ id: 'acme', name: 'Acme' })).secrets;
  const { call, create } = createCalls(first.port, simulator.url, apiKey);
  return {
    simulator,
    gateways,
    apiKey,
    adminKey: ADMIN_KEY,
    webhookToken,
    worker,
    newInstance: (phone) =>
      simulator.createInstance({
        webhook: { url: `${first.publicUrl}/v1/webhooks/green-api/acme`, token: webhookToken },
        ...(phone === undefined ? {} : { phone }),
      }),
    create: (instance, body = {}) => create(instance, body, apiKey),
    async createFor(tenantId, instance) {
      const made = await first.tenants.create({ id: tenantId, name: tenantId });
      return create(instance, {}, made.secrets.apiKey);
    },
    call,
    isUnwatched: async (sessionId) => (await node.sessions.find(sessionId))?.isUnwatched === true,
    passDeadline: (sessionId) => passDeadline(node, sessionId),
    view(ticket, gateway = 0, handshake = { visible: true }) {
      const socket = io(gateways[gateway]?.publicUrl ?? '', { auth: { ticket, ...handshake }, transports: ['websocket'], forceNew: true });
      releasers.push('viewer', () => void socket.disconnect());
      return openViewer(socket);
    },
    close: () => releasers.release(),
  };
}

function workerOptions(options: ClusterOptions, upstream: string): Cluster['worker'] {
  return {
    redisUrl: options.redisUrl,
    namespace: `test-${randomUUID().slice(0, 8)}`,
    secretKeys: [{ id: 'test', key: randomBytes(32) }],
    policy: { ...TEST_POLICY, ...options.policy },
    upstreamHosts: [upstream],
    concurrency: 100,
    hostConcurrency: 100,
    callbackHosts: options.callbackHosts,
    checkMinuteMs: options.checkMinuteMs,
    meters: options.meters,
    // On a slow machine, a picture that is not read in time would never get its text.
    codeReader: { waitMs: 60_000, pictureMs: 60_000, share: 1 },
  };
}

/** Starts as many gateways and workers as the options say. @returns the gateways */
async function startRoles(
  { gateways: gatewayCount = 1, workers = 1, unwatchedGraceMs = 15_000, publicUrl, hasConsole }: ClusterOptions,
  worker: Cluster['worker'],
  releasers: Releasers,
): Promise<readonly Gateway[]> {
  const gatewayOptions = {
    ...worker,
    log: LOG,
    unwatchedGraceMs,
    adminKey: ADMIN_KEY,
    maxConnections: 1_000,
    port: 0,
    host: '127.0.0.1',
    publicUrl,
    pageFolder: PAGE_FOLDER,
    hasConsole,
  };
  const gateways: Gateway[] = [];
  for (let i = 0; i < gatewayCount; i++) {
    const gateway = await startGateway(gatewayOptions);
    releasers.push('gateway', () => gateway.close(0));
    gateways.push(gateway);
  }
  for (let i = 0; i < workers; i++) {
    const started = await startWorker({ ...worker, log: LOG });
    releasers.push('worker', () => started.close(1_000));
  }
  return gateways;
}

interface Calls {
  call(method: string, path: string, body?: unknown, secret?: string): Promise<Response>;
  /** @throws {Error} if the gateway refuses the session */
  create(instance: Instance, body: Record<string, unknown>, secret: string): Promise<Created>;
}

function createCalls(port: number, apiUrl: string, apiKey: string): Calls {
  const call: Calls['call'] = (method, path, body, secret = apiKey) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${secret}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    call,
    async create({ idInstance: instanceId, apiToken }, body, secret) {
      const response = await call('POST', '/v1/sessions', { instanceId, apiToken, apiUrl, ...body }, secret);
      if (!response.ok) throw new Error(`the session was refused: ${await response.text()}`);
      return (await response.json()) as Created;
    },
  };
}

async function passDeadline({ sessions }: Node, sessionId: string): Promise<void> {
  const session = await sessions.find(sessionId);
  if (session === null) throw new Error('there is no such session');
  await sessions.apply(sessionId, { kind: 'elapsed', at: session.deadlineAt });
}

function openViewer(socket: Socket): Viewer {
  const sessions: WireSession[] = [];
  const versions: number[] = [];
  const looking = new Set<() => void>();
  socket.on('session', (session: WireSession) => {
    sessions.push(session);
    versions.push(session.version);
    for (const look of looking) look();
  });
  socket.on('fresh', ({ version }: { version: number }) => versions.push(version));
  return {
    socket,
    sessions,
    versions,
    until: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = sessions.find(fits);
          if (found === undefined) return;
          looking.delete(look);
          resolve(found);
        };
        looking.add(look);
        look();
      }),
  };
}
