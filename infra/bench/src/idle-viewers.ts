/**
 * `viewers`: what does an idle viewer cost? Thousands of viewers connect to one gateway, ten to a
 * session, are idle, and leave again, in three waves. What does each hold in memory, what does the
 * gateway do for it, and is all memory back when it has left?
 *
 * Memory has a history: it depends on what the process has done before. So each measurement has a
 * gateway of its own, in a new process.
 */

import { createReleasers, type Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { type GatewaySide, type GatewaySideOptions, openOurGateway, openRival } from './gateway-sides.ts';
import { COLUMNS, compareOverBoth, OVERS, RIVALS, targetBesideRival, targetOfLargest } from './over-both.ts';
import { until } from './pace.ts';
import type { BenchResult, Row, Target } from './result.ts';
import { openRoleFor, type Role } from './role.ts';
import type { IdleViewersMethods } from './roles/idle-viewers.ts';
import type { FigureSpec } from './rounds.ts';
import type { Over } from './viewer-socket.ts';

const VIEWERS_PER_SESSION = 10;
const WAVES = [1, 2, 3] as const;
const LAST_WAVE = WAVES.length;
/** Our gateway asks within it what was read of the first states. */
const BEFORE_IDLE_MS = 10_000;
/** Our gateway and Socket.IO ping each viewer once in it. */
const IDLE_MS = 25_000;
/** Memory has settled once it has changed by less than this share for so long. */
const SETTLED_SHARE = 0.005;
const SETTLED_MS = 2_000;
const SETTLED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 500;
const TARGETS = { WebSocket: 1.5, 'Socket.IO': 0.9 } as const satisfies Record<Over, number>;
const BACK_TO = 1.05;

/** Of each wave. */
const FIGURES = {
  rss: { what: 'RSS per viewer', unit: 'kB' },
  held: { what: 'RSS per viewer, garbage collected', unit: 'kB' },
  heap: { what: 'heap per viewer', unit: 'kB', isChecked: true },
  rssAfter: { what: 'RSS when all have left', unit: '× before' },
  heapAfter: { what: 'heap when all have left', unit: '× before' },
} as const satisfies Record<string, FigureSpec>;
const CPU: FigureSpec = { what: `gateway CPU for 1,000 idle viewers, wave ${LAST_WAVE}`, unit: 'ms/s' };

type Figure = keyof typeof FIGURES;
type Key = `${Figure} ${(typeof WAVES)[number]}` | 'cpu';
type Progress = (text: string) => void;

export async function runIdleViewers(config: BenchConfig, path: string, releasers: Releasers, progress: Progress): Promise<BenchResult> {
  const contender = (name: string, over: Over, open: typeof openOurGateway) => ({
    name,
    measure: () => measureOnce({ config, path, releasers, over }, open),
  });
  const rows = await compareOverBoth({
    rounds: config.rounds,
    contendersOver: (over) => [contender('qrcast', over, openOurGateway), contender(RIVALS[over], over, openRival)],
    figures: figuresOfWaves(),
    progress,
  });
  return {
    title: `viewers: ${config.idleViewers} idle viewers of ${sessionsOf(config)} sessions on 1 gateway, in ${WAVES.length} waves`,
    columns: COLUMNS,
    rows,
    targets: targetsOf(rows),
    notes: [],
  };
}

function figuresOfWaves(): Record<Key, FigureSpec> {
  const entries = Object.entries(FIGURES).flatMap(([figure, spec]) =>
    WAVES.map((wave) => [`${figure} ${wave}`, { ...spec, what: nameOf(spec, wave) }]),
  );
  return { ...Object.fromEntries(entries), cpu: CPU } as Record<Key, FigureSpec>; // fromEntries forgets the names
}

function nameOf({ what }: FigureSpec, wave: number): string {
  return `${what}, wave ${wave}`;
}

async function measureOnce(options: GatewaySideOptions, open: typeof openOurGateway): Promise<Record<Key, number>> {
  const releasers = createReleasers();
  options.releasers.push('gateway and viewers', () => releasers.release());
  try {
    const side = await open({ ...options, releasers });
    const viewers = await openRoleFor<IdleViewersMethods>(releasers, 'idle-viewers');
    return await measureWaves(side, viewers, options);
  } finally {
    await releasers.release();
  }
}

async function measureWaves(
  side: GatewaySide,
  viewers: Role<IdleViewersMethods>,
  { config, over }: GatewaySideOptions,
): Promise<Record<Key, number>> {
  const { gateway } = side;
  const count = config.idleViewers;
  const tickets = await side.makeSessions(sessionsOf(config));
  // Some memory is needed once for so many connections, and is no leak.
  await viewers.call('connect', side.url, tickets, count, over);
  const base = await leave(side, viewers);
  const figures: Partial<Record<Key, number>> = {};
  for (const wave of WAVES) {
    await viewers.call('connect', side.url, tickets, count, over);
    await memorySettles(gateway);
    const { rssBytes } = await gateway.usage();
    if (wave === LAST_WAVE) figures.cpu = (await idleCpuMs(gateway)) / (IDLE_MS / 1_000) / (count / 1_000);
    const held = await gateway.memory();
    const after = await leave(side, viewers);
    figures[`rss ${wave}`] = (rssBytes - base.rssBytes) / count / 1e3;
    figures[`held ${wave}`] = (held.rssBytes - base.rssBytes) / count / 1e3;
    figures[`heap ${wave}`] = (held.heapBytes - base.heapBytes) / count / 1e3;
    figures[`rssAfter ${wave}`] = after.rssBytes / base.rssBytes;
    figures[`heapAfter ${wave}`] = after.heapBytes / base.heapBytes;
  }
  return figures as Record<Key, number>; // each wave has set its own
}

/** Resolves to what is left after a collection. */
async function leave({ gateway }: GatewaySide, viewers: Role<IdleViewersMethods>): ReturnType<GatewaySide['gateway']['memory']> {
  await viewers.call('leave');
  await memorySettles(gateway);
  return gateway.memory();
}

async function memorySettles(gateway: GatewaySide['gateway']): Promise<void> {
  let { rssBytes } = await gateway.usage();
  let since = Date.now();
  for (const end = since + SETTLED_WITHIN_MS; Date.now() < end && Date.now() - since < SETTLED_MS; ) {
    await until(Date.now() + LOOK_EVERY_MS);
    const now = (await gateway.usage()).rssBytes;
    if (Math.abs(now / rssBytes - 1) < SETTLED_SHARE) continue;
    rssBytes = now;
    since = Date.now();
  }
}

async function idleCpuMs(gateway: GatewaySide['gateway']): Promise<number> {
  await until(Date.now() + BEFORE_IDLE_MS);
  const before = await gateway.usage();
  await until(Date.now() + IDLE_MS);
  return (await gateway.usage()).cpuMs - before.cpuMs;
}

function sessionsOf({ idleViewers }: BenchConfig): number {
  return Math.ceil(idleViewers / VIEWERS_PER_SESSION);
}

function targetsOf(rows: readonly Row[]): readonly Target[] {
  const back = (over: Over, figure: 'rssAfter' | 'heapAfter'): Target => {
    const spec = FIGURES[figure];
    const ofWaves = WAVES.map((wave) => ({ ...spec, what: nameOf(spec, wave) }));
    return targetOfLargest(rows, over, `${spec.what}, in the worst wave`, ofWaves, BACK_TO);
  };
  return OVERS.flatMap((over) => [
    targetBesideRival(rows, over, nameOf(FIGURES.rss, LAST_WAVE), TARGETS[over]),
    back(over, 'rssAfter'),
    back(over, 'heapAfter'),
  ]);
}
