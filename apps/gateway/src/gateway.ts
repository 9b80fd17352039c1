/**
 * The gateway role: control API, streams, notifications of the provider, and the login page, on one
 * port. Any number of gateways share one Redis.
 */

import type { AddressInfo } from 'node:net';
import type { Logger } from '@qrcast/runtime/log';
import { type Node, openNode } from '@qrcast/runtime/node';
import { addReadyGauge } from '@qrcast/runtime/process/ready-gauge';
import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import type { FastifyInstance } from 'fastify';
import { listenEverywhere } from './http/listen-everywhere.ts';
import type { Tenants } from './tenants/tenants.ts';
import type { GatewayOptions } from './wiring/gateway-options.ts';
import { openHttpSurface } from './wiring/http-surface.ts';
import { openNotifications } from './wiring/notifications.ts';
import { openOverviewParts } from './wiring/overview.ts';
import { openSessionParts } from './wiring/sessions.ts';
import { openShared } from './wiring/shared.ts';
import { openTenancy } from './wiring/tenancy.ts';
import { openTransports } from './wiring/transports.ts';
import { openViewers } from './wiring/viewers.ts';

export interface Gateway {
  readonly port: number;
  readonly publicUrl: string;
  readonly tenants: Tenants;
  /**
   * Stops being ready, tells streams to reconnect elsewhere over `drainMs`, then closes everything.
   * Idempotent.
   */
  close(drainMs: number): Promise<void>;
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const releasers = createReleasers();
  try {
    const node = await openNode(options);
    releasers.push('node', () => node.close());
    return await serve(options, node, releasers);
  } catch (error) {
    await releasers.release();
    throw error;
  }
}

async function serve(options: GatewayOptions, node: Node, releasers: Releasers): Promise<Gateway> {
  const shared = await openShared(options, node, releasers);
  const tenancy = openTenancy(shared, options);
  const sessionParts = openSessionParts(shared, tenancy);
  const overviewParts = openOverviewParts(shared, sessionParts);
  const viewers = openViewers(shared, tenancy, sessionParts, options);
  const notifications = openNotifications(shared, tenancy, sessionParts, options);
  const parts = { ...shared, ...tenancy, ...sessionParts, ...overviewParts, ...viewers, ...notifications };
  const surface = await openHttpSurface(parts, { ...options, ready: node.ready });
  openTransports(parts, surface, options);
  const endReadyGauge = addReadyGauge(node.meters, 'gateway', node.ready);

  const port = await listen(surface.app, options);
  const { log, publicAddress } = shared;
  publicAddress.listensOn(port);
  log.info({ port, publicUrl: publicAddress.url() }, 'gateway listens');
  let closing: Promise<void> | null = null;
  function drain(drainMs: number): Promise<void> {
    const left = viewers.slots.drain(drainMs);
    overviewParts.overviewSlots.drain();
    return left;
  }
  return {
    port,
    publicUrl: publicAddress.url(),
    tenants: tenancy.tenants,
    close(drainMs) {
      endReadyGauge();
      closing ??= drain(drainMs).finally(() => releasers.release());
      return closing;
    },
  };
}

/**
 * Connections that the kernel keeps while this process is busy. With Node's default of 511, a storm
 * of reconnects is dropped and comes back seconds later. The kernel keeps `net.core.somaxconn` at
 * most, which is 4,096 on Linux.
 */
const BACKLOG = 4_096;

/** Resolves to the port. @throws {Error} if the gateway cannot listen. */
async function listen(
  app: FastifyInstance,
  { port, host, log }: { readonly port: number; readonly host?: string | undefined; readonly log: Logger },
): Promise<number> {
  const listenOn = (address: string): Promise<string> => app.listen({ port, host: address, backlog: BACKLOG });
  await (host === undefined ? listenEverywhere(listenOn, log) : listenOn(host)).catch((error: unknown) => {
    throw new Error(`port ${port} cannot be listened on; set PORT to a free one, or to 0`, { cause: error });
  });
  return (app.server.address() as AddressInfo).port; // an object, because it listens on TCP
}
