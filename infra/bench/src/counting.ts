/**
 * `counting`: what do the metrics cost? One session with thousands of viewers, where a delivery costs
 * least and counting it the largest share, on a gateway that counts and on one that does not.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { measureFanout, openFanoutSides } from './fanout.ts';
import { type BenchResult, medianOf, ratiosOf } from './result.ts';
import { compare } from './rounds.ts';
import { openOurs, type SideOptions } from './sides.ts';

const FIGURES = { gateway: { what: 'gateway CPU per delivery', unit: 'µs' } } as const;
/** Of a gateway that counts nothing. */
const TARGET_RATIO = 1.03;

export async function runCounting(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const opens = [true, false].map((counts) => (options: SideOptions) => openOurs({ ...options, counts }));
  const sides = await openFanoutSides(config, path, releasers, progress, opens);
  const rows = await compare({
    rounds: config.rounds,
    contenders: sides.map((side) => ({
      name: side.name,
      measure: async () => {
        const { gateway = Number.NaN } = await measureFanout(side, config.viewers, config.seconds / config.rounds);
        return { gateway };
      },
    })),
    figures: FIGURES,
    progress,
  });
  const [row] = rows;
  const measured = row === undefined ? Number.NaN : medianOf(ratiosOf(row.ours, row.others[0] ?? null));
  return {
    title: `counting: 1 session, ${config.viewers} viewers over WebSocket, 1 gateway that counts for its metrics, and 1 that does not`,
    columns: sides.map(({ name }) => name),
    rows,
    targets: [{ what: FIGURES.gateway.what, measured, unit: '× uncounted', most: TARGET_RATIO }],
    notes: [],
  };
}
