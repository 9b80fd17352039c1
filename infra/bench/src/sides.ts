/**
 * The programs that a relay compares. Each has a Redis, a publisher and viewers of its own, in
 * processes of their own, and gets the same messages.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { type MeteredRedis, openMeteredRedis } from './metered-redis.ts';
import type { Publish } from './ready-message.ts';
import { type Methods, openRoleFor, type Role } from './role.ts';
import type { BareGatewayMethods } from './roles/bare-gateway.ts';
import type { BarePublisherMethods } from './roles/bare-publisher.ts';
import type { GatewayMethods } from './roles/gateway.ts';
import type { PublisherMethods } from './roles/publisher.ts';
import type { ViewersMethods } from './roles/viewers.ts';
import { createSystem, GATEWAY_FLAGS } from './system.ts';
import type { Over, ViewerProtocol } from './viewer-socket.ts';

/** There is no worker. */
const NEVER_ASKED = 'http://127.0.0.1:1';

export interface Side {
  readonly name: string;
  readonly redis: MeteredRedis;
  /** A gateway that is not ours to ask does not say how long it was at one task. */
  readonly gateway: Pick<Role<GatewayMethods>, 'usage'> & Partial<Pick<Role<GatewayMethods>, 'stallMs'>>;
  readonly publisher: Pick<Role<PublisherMethods>, 'usage'> & { readonly publish: Publish };
  readonly viewers: Role<ViewersMethods>;
}

export interface SideOptions {
  readonly config: BenchConfig;
  readonly path: string;
  readonly releasers: Releasers;
  readonly over: Over;
  /** Of each session. */
  readonly viewersEach?: number;
  /** False: our gateway counts nothing for its metrics. */
  readonly counts?: boolean;
}

export async function openOurs(options: SideOptions): Promise<Side> {
  const { config, releasers, counts = true } = options;
  const name = counts ? 'qrcast' : 'uncounted';
  const redis = await openRedis(name, options);
  const system = createSystem(redis.url);
  const gateway = await openRoleFor<GatewayMethods>(releasers, 'gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const publisher = await openRoleFor<PublisherMethods>(releasers, 'publisher');
  const { url } = await gateway.call('start', system, 0, undefined, counts);
  const tickets = await publisher.call('start', system, config.sessions, NEVER_ASKED);
  const viewers = await openViewers(options, url, tickets);
  return { name, redis, gateway, viewers, publisher: publisherOf(publisher) };
}

/** A loop of the same libraries that promises nothing. */
export async function openBare(options: SideOptions): Promise<Side> {
  const { config, releasers, over } = options;
  const redis = await openRedis('bare', options);
  const gateway = await openRoleFor<BareGatewayMethods>(releasers, 'bare-gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const publisher = await openRoleFor<BarePublisherMethods>(releasers, 'bare-publisher');
  const { url } = await gateway.call('start', redis.url, over);
  const channels = await publisher.call('start', redis.url, config.sessions);
  const viewers = await openViewers(options, url, channels);
  return { name: 'bare', redis, gateway, viewers, publisher: publisherOf(publisher) };
}

export async function openRedis(name: string, { path, releasers }: SideOptions): Promise<MeteredRedis> {
  const redis = await openMeteredRedis(path);
  releasers.push(`redis of ${name}`, () => redis.close());
  return redis;
}

export function publisherOf<M extends Methods<M> & { publish: Publish }>(role: Role<M>): Side['publisher'] {
  // Every M has this method, but the compiler cannot tell its arguments while M is open.
  const publish = role.call as unknown as (method: 'publish', ...load: Parameters<Publish>) => ReturnType<Publish>;
  return { usage: () => role.usage(), publish: (...load) => publish('publish', ...load) };
}

export async function openViewers(
  { releasers, over, viewersEach = 1 }: Pick<SideOptions, 'releasers' | 'viewersEach'> & { readonly over: ViewerProtocol },
  url: string,
  tickets: readonly string[],
): Promise<Role<ViewersMethods>> {
  const viewers = await openRoleFor<ViewersMethods>(releasers, 'viewers');
  const all = tickets.flatMap((ticket) => Array.from({ length: viewersEach }, () => ticket));
  await viewers.call('connect', url, all, over);
  return viewers;
}
