/**
 * `connect`: what does one handshake with its subscription cost? Viewers connect at a fixed rate,
 * each to another session: TCP, upgrade, ticket, subscription, first state with a picture. Each
 * stays for a moment and leaves. What leaving costs is included.
 *
 * The rivals check no ticket. They read a stored state from Redis and send it, so that the work is
 * comparable.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { type GatewaySide, type GatewaySideOptions, openOurGateway, openRival } from './gateway-sides.ts';
import { COLUMNS, compareOverBoth, RIVALS, targetBesideRival } from './over-both.ts';
import type { BenchResult } from './result.ts';
import { openRoleFor, type Role } from './role.ts';
import type { ConnectingViewersMethods } from './roles/connecting-viewers.ts';
import type { Contender } from './rounds.ts';
import type { Over } from './viewer-socket.ts';

const WARM_UP_SECONDS = 8;
const FIGURES = {
  failed: { what: 'connects without a state', unit: '' },
  p50: { what: 'connect to first state, p50', unit: 'ms' },
  p99: { what: 'connect to first state, p99', unit: 'ms' },
  gateway: { what: 'gateway CPU per connect', unit: 'µs', isChecked: true },
  redis: { what: 'Redis CPU per connect', unit: 'µs' },
  viewers: { what: 'CPU of the viewer per connect', unit: 'µs' },
} as const;
const MOST_BESIDE_STOCK = 1.5;

type Key = keyof typeof FIGURES;
type Progress = (text: string) => void;

interface ConnectSide extends GatewaySide {
  readonly over: Over;
  readonly viewers: Role<ConnectingViewersMethods>;
}

export async function runConnect(config: BenchConfig, path: string, releasers: Releasers, progress: Progress): Promise<BenchResult> {
  const contender = (name: string, over: Over, open: typeof openOurGateway): Contender<Key> => {
    let side: Promise<ConnectSide> | null = null;
    return {
      name,
      async measure() {
        side ??= openWarm({ config, path, releasers, over }, open);
        return load(await side, config.connects, config.seconds / config.rounds);
      },
    };
  };
  const rows = await compareOverBoth({
    rounds: config.rounds,
    contendersOver: (over) => [contender('qrcast', over, openOurGateway), contender(RIVALS[over], over, openRival)],
    figures: FIGURES,
    progress,
  });
  return {
    title: `connect: ${config.connects} connects/s, each to another session with a picture of 5 kB, 1 gateway`,
    columns: COLUMNS,
    rows,
    targets: [targetBesideRival(rows, 'Socket.IO', FIGURES.gateway.what, MOST_BESIDE_STOCK)],
    notes: ['the rivals check no ticket'],
  };
}

async function openWarm(options: GatewaySideOptions, open: typeof openOurGateway): Promise<ConnectSide> {
  const opened = await open(options);
  const viewers = await openRoleFor<ConnectingViewersMethods>(options.releasers, 'connecting-viewers');
  const side = { ...opened, over: options.over, viewers };
  await load(side, options.config.connects, WARM_UP_SECONDS);
  return side;
}

async function load(side: ConnectSide, perSecond: number, seconds: number): Promise<Record<Key, number>> {
  const tickets = await side.makeSessions(Math.round(perSecond * seconds));
  const before = await costOf(side);
  const { firstState, failed } = await side.viewers.call('run', side.url, side.over, tickets, perSecond);
  const after = await costOf(side);
  const each = (role: keyof typeof before): number => ((after[role] - before[role]) * 1_000) / firstState.count;
  const { p50, p99 } = firstState;
  return { failed, p50, p99, gateway: each('gateway'), redis: each('redis'), viewers: each('viewers') };
}

async function costOf({ gateway, redis, viewers }: ConnectSide): Promise<Record<'gateway' | 'redis' | 'viewers', number>> {
  const used = await Promise.all([gateway.usage(), redis.usage(), viewers.usage()]);
  return { gateway: used[0].cpuMs, redis: used[1].cpuMs, viewers: used[2].cpuMs };
}
