/**
 * What one unit of work costs, as the benchmarks have measured it: the results that infra/bench
 * keeps. A core is one of the machine that they name.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Times are CPU of one core, µs. */
export interface UnitCosts {
  readonly workerPerPoll: number;
  readonly redisPerPoll: number;
  /** For each gateway that a message goes to, besides what the poll costs. */
  readonly redisPerMessage: number;
  readonly redisPerConnect: number;
  readonly gatewayPerConnect: number;
  /** The first viewer of a session on a gateway. */
  readonly gatewayPerState: number;
  /** As `gatewayPerState`, for a renewal of the same code. */
  readonly gatewayPerRenewal: number;
  /** Each further viewer of the same session on the same gateway. */
  readonly gatewayPerMoreViewer: number;
  /** Each second. */
  readonly gatewayPerIdleViewer: number;
  readonly gatewayKbPerViewer: number;
  /** Without the code itself. */
  readonly redisKbPerSession: number;
  /** The processors that the results come from. */
  readonly processors: readonly string[];
}

interface Kept {
  readonly machine: { readonly processor: string };
  readonly result: { readonly rows: readonly Row[] };
}

interface Row {
  readonly what: string;
  readonly ours: number | readonly number[];
  readonly others: number | readonly (number | readonly number[] | null)[];
}

/** @throws {Error} if a result or one of its rows is missing */
export function readUnitCosts(): UnitCosts {
  const [poll, relay, fanout] = [readKept('poll'), readKept('relay-ws'), readKept('fanout')];
  const [viewers, connect] = [readKept('viewers'), readKept('connect')];
  return {
    workerPerPoll: ours(poll, 'worker CPU per poll'),
    redisPerPoll: ours(poll, 'Redis CPU per poll'),
    redisPerMessage: bare(relay, 'state: Redis CPU per delivery'), // SET and PUBLISH: more than a PUBLISH to one gateway more
    redisPerConnect: ours(connect, 'WebSocket: Redis CPU per connect'),
    gatewayPerConnect: ours(connect, 'WebSocket: gateway CPU per connect'),
    gatewayPerState: ours(relay, 'state: gateway CPU per delivery'),
    gatewayPerRenewal: ours(relay, 'fresh: gateway CPU per delivery'),
    gatewayPerMoreViewer: ours(fanout, 'gateway CPU per delivery'),
    gatewayPerIdleViewer: ours(viewers, 'WebSocket: gateway CPU for 1,000 idle viewers, wave 3'), // ms for 1,000 are µs for one
    gatewayKbPerViewer: ours(viewers, 'WebSocket: RSS per viewer, wave 3'),
    redisKbPerSession: ours(poll, 'Redis per session with a code, less the code as a plain key'),
    processors: [...new Set([poll, relay, fanout, viewers, connect].map(({ machine }) => machine.processor))],
  };
}

function readKept(bench: string): Kept {
  const file = fileURLToPath(import.meta.resolve(`@qrcast/bench/results/${bench}.json`));
  return JSON.parse(readFileSync(file, 'utf8')) as Kept; // infra/bench wrote it
}

const ours = (kept: Kept, what: string): number => median(rowOf(kept, what).ours, what);

/** Of the shortest honest program of the same libraries, which is always the first of the others. */
function bare(kept: Kept, what: string): number {
  const { others } = rowOf(kept, what);
  const first = typeof others === 'number' ? others : others[0];
  if (first === null || first === undefined) throw new Error(`the results have no figure of "bare" for: ${what}`);
  return median(first, what);
}

function rowOf({ result }: Kept, what: string): Row {
  const row = result.rows.find((one) => one.what === what);
  if (row === undefined) throw new Error(`the results have no row: ${what}`);
  return row;
}

function median(rounds: number | readonly number[], what: string): number {
  if (typeof rounds === 'number') return rounds;
  const middle = rounds.toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)];
  if (middle === undefined) throw new Error(`the results have no round of: ${what}`);
  return middle;
}
