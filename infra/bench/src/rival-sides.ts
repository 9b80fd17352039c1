/** What others would build the same relay of. The sides of sides.ts get the same load. */

import { findNchan, NCHAN_MISSING, type NchanProgram } from './nchan-program.ts';
import { openRoleFor } from './role.ts';
import type { NchanMethods } from './roles/nchan.ts';
import type { NchanPublisherMethods } from './roles/nchan-publisher.ts';
import type { StockGatewayMethods } from './roles/stock-gateway.ts';
import type { StockPublisherMethods } from './roles/stock-publisher.ts';
import { openBare, openRedis, openViewers, publisherOf, type Side, type SideOptions } from './sides.ts';
import type { StockAdapter } from './stock-streams.ts';
import { GATEWAY_FLAGS } from './system.ts';
import type { Over } from './viewer-socket.ts';

export type OpenSide = (options: SideOptions) => Promise<Side>;

export interface Rivals {
  /** The bare loop is the first. */
  readonly rivals: readonly OpenSide[];
  readonly notes: readonly string[];
}

/** @param path where nginx may be */
export function rivalsOver(over: Over, path: string): Rivals {
  if (over === 'Socket.IO') {
    const note = 'stock-streams: its publisher is a server without clients, which reads all that it writes (Redis serves that too)';
    return { rivals: [openBare, (options) => openStock(options, 'pubsub'), (options) => openStock(options, 'streams')], notes: [note] };
  }
  const nchan = findNchan(path);
  if (nchan === null) return { rivals: [openBare], notes: [NCHAN_MISSING] };
  return {
    rivals: [openBare, (options) => openNchan(options, nchan)],
    notes: [`nchan: in nginx ${nchan.version}. Its publisher is the program that posts and a second nginx, which writes to Redis`],
  };
}

async function openStock(options: SideOptions, adapter: StockAdapter): Promise<Side> {
  const { config, releasers } = options;
  const name = adapter === 'streams' ? 'stock-streams' : 'stock';
  const redis = await openRedis(name, options);
  const gateway = await openRoleFor<StockGatewayMethods>(releasers, 'stock-gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const publisher = await openRoleFor<StockPublisherMethods>(releasers, 'stock-publisher');
  const { url } = await gateway.call('start', redis.url, adapter);
  const rooms = await publisher.call('start', redis.url, config.sessions, adapter);
  const viewers = await openViewers(options, url, rooms);
  return { name, redis, gateway, viewers, publisher: publisherOf(publisher) };
}

/** What it costs to publish is not charged to the nginx that delivers. */
async function openNchan(options: SideOptions, program: NchanProgram): Promise<Side> {
  const { config, releasers } = options;
  const redis = await openRedis('nchan', options);
  const [gateway, writer] = [await openRoleFor<NchanMethods>(releasers, 'nchan'), await openRoleFor<NchanMethods>(releasers, 'nchan')];
  const publisher = await openRoleFor<NchanPublisherMethods>(releasers, 'nchan-publisher');
  const { host } = await gateway.call('start', program, redis.url);
  const written = await writer.call('start', program, redis.url);
  const channels = await publisher.call('start', written.host, config.sessions);
  const viewers = await openViewers({ ...options, over: 'nchan' }, `ws://${host}`, channels);
  return {
    name: 'nchan',
    redis,
    gateway: { usage: () => gateway.usage() },
    viewers,
    publisher: {
      ...publisherOf(publisher),
      async usage() {
        const [posting, writing] = await Promise.all([publisher.usage(), writer.usage()]);
        return { cpuMs: posting.cpuMs + writing.cpuMs, rssBytes: posting.rssBytes + writing.rssBytes };
      },
    },
  };
}
