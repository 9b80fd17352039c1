/**
 * The gateways that are compared where viewers connect and nothing changes: a gateway and a Redis
 * in processes of their own, without publisher and worker.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { type MeteredRedis, openMeteredRedis } from './metered-redis.ts';
import { type Methods, openRoleFor, type Role } from './role.ts';
import type { FirstStateGatewayMethods } from './roles/first-state-gateway.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import { openSessionMaker } from './session-maker.ts';
import { createSystem, GATEWAY_FLAGS } from './system.ts';
import type { Over } from './viewer-socket.ts';

/**
 * The first lets `Role.memory` collect. Without the second, V8 frees the code that has not run for
 * 30 s, which may be more than what the viewers hold.
 */
const FLAGS = [...GATEWAY_FLAGS, '--expose-gc', '--no-flush-bytecode'];

export interface GatewaySide {
  /** `ws://host:port` */
  readonly url: string;
  readonly redis: Pick<MeteredRedis, 'usage'>;
  readonly gateway: Pick<Role<GatewayMethods>, 'usage' | 'memory'>;
  /** Resolves to the tickets of so many new sessions. Each shows a code, so a viewer's first state has a picture. */
  makeSessions(count: number): Promise<readonly string[]>;
}

export interface GatewaySideOptions {
  readonly config: BenchConfig;
  readonly path: string;
  readonly releasers: Releasers;
  readonly over: Over;
}

export async function openOurGateway(options: GatewaySideOptions): Promise<GatewaySide> {
  const redis = await openRedis(options);
  const system = createSystem(redis.url);
  const gateway = await openGatewayRole<GatewayMethods>(options, 'gateway');
  const { url } = await gateway.call('start', system);
  const sessions = await openSessionMaker(system, options.releasers);
  return { url, redis, gateway, makeSessions: sessions.make };
}

/** The same libraries without any guarantees. It sends a stored state first, as ours does. */
export async function openRival(options: GatewaySideOptions): Promise<GatewaySide> {
  const redis = await openRedis(options);
  const gateway = await openGatewayRole<FirstStateGatewayMethods>(options, 'first-state-gateway');
  const { url } = await gateway.call('start', redis.url, options.over);
  return { url, redis, gateway, makeSessions: (count) => gateway.call('store', count) };
}

function openGatewayRole<M extends Methods<M>>({ config, releasers }: GatewaySideOptions, name: string): Promise<Role<M>> {
  return openRoleFor<M>(releasers, name, { ...config, nodeFlags: FLAGS });
}

async function openRedis({ path, releasers }: GatewaySideOptions): Promise<MeteredRedis> {
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  return redis;
}
