/**
 * How many processes and Redis masters a load needs, from what a unit of work costs. Pure.
 *
 * The load is that of an ordinary busy hour: all who wait are looked at, codes rotate, and people come
 * and go. One core of each kind is spare, so that one process may end.
 */

import type { UnitCosts } from './unit-costs.ts';

export interface Load {
  /** Sessions that somebody watches, each of another instance. */
  readonly waiting: number;
  readonly viewersPerSession: number;
  readonly pollEverySeconds: number;
  /** How long the provider gives the same code. */
  readonly codeEverySeconds: number;
  /** How long a viewer stays, on average. */
  readonly stayedSeconds: number;
}

export interface Plan {
  /** Installations side by side, each with a Redis and processes of its own. Tenants are divided among them. */
  readonly cells: number;
  /** Of each cell. */
  readonly workers: number;
  readonly gateways: number;
  readonly masters: number;
  /** Cores that are busy, of all that the cell has. */
  readonly busy: { readonly workers: number; readonly gateways: number; readonly masters: number };
  readonly gatewayMb: number;
  /** Of all cells together. */
  readonly redisMb: number;
}

/** A process or a master is filled so far: more, and a burst waits. */
export const FILLED = 0.6;
/** QRCAST_MAX_CONNECTIONS, as it is by default. */
export const MAX_CONNECTIONS = 20_000;
/** QRCAST_CONNECTS_PER_SECOND, as it is by default. */
export const CONNECTS_PER_SECOND = 500;
/** The work that workers share stands in so many parts of a cluster (packages/runtime, redis/work-parts.ts). */
export const WORK_PARTS = 6;
/** A picture of a code, as most instances have it. */
const CODE_KB = 5;
/** What a gateway uses before its first viewer, MB. */
const GATEWAY_BASE_MB = 120;

/** What happens in a second. */
export interface Rates {
  readonly polls: number;
  readonly states: number;
  readonly renewals: number;
  readonly connects: number;
  readonly viewers: number;
}

export function ratesOf({ waiting, viewersPerSession, pollEverySeconds, codeEverySeconds, stayedSeconds }: Load): Rates {
  const polls = waiting / pollEverySeconds;
  const states = Math.min(polls, waiting / codeEverySeconds);
  const viewers = waiting * viewersPerSession;
  return { polls, states, renewals: polls - states, connects: viewers / stayedSeconds, viewers };
}

/** On how many of the gateways a session has a viewer, if viewers come to any gateway. */
export function gatewaysOfSession(viewersPerSession: number, gateways: number): number {
  return gateways * (1 - (1 - 1 / gateways) ** viewersPerSession);
}

/** What a gateway spends on one message to those of a session's viewers that it has, µs. */
export function perMessage(first: number, costs: UnitCosts, viewersPerSession: number, gateways: number): number {
  const more = viewersPerSession / gatewaysOfSession(viewersPerSession, gateways) - 1;
  return first + Math.max(0, more) * costs.gatewayPerMoreViewer;
}

/** Cores. */
export function coresOf(load: Load, costs: UnitCosts, gateways: number): Plan['busy'] {
  const { polls, states, renewals, connects, viewers } = ratesOf(load);
  const reached = gatewaysOfSession(load.viewersPerSession, gateways);
  const ofStates = states * reached * perMessage(costs.gatewayPerState, costs, load.viewersPerSession, gateways);
  const ofRenewals = renewals * reached * perMessage(costs.gatewayPerRenewal, costs, load.viewersPerSession, gateways);
  const gateway = ofStates + ofRenewals + connects * costs.gatewayPerConnect + viewers * costs.gatewayPerIdleViewer;
  const redis = polls * costs.redisPerPoll + polls * reached * costs.redisPerMessage + connects * costs.redisPerConnect;
  return { workers: micro(polls * costs.workerPerPoll), gateways: micro(gateway), masters: micro(redis) };
}

const micro = (microseconds: number): number => microseconds / 1e6;

/** The fewest cells whose Redis is one master or a cluster of at most `WORK_PARTS`. */
export function planFor(load: Load, costs: UnitCosts): Plan {
  for (let cells = 1; ; cells++) {
    const plan = planCell({ ...load, waiting: load.waiting / cells }, costs, cells);
    if (plan.masters <= WORK_PARTS) return plan;
  }
}

function planCell(load: Load, costs: UnitCosts, cells: number): Plan {
  const { connects, viewers } = ratesOf(load);
  let gateways = 1; // more gateways have more messages to send, and need more gateways
  for (let enough = 0; enough !== gateways; ) {
    enough = gateways;
    const byCores = coresOf(load, costs, gateways).gateways / FILLED;
    gateways = Math.max(gateways, Math.ceil(Math.max(byCores, viewers / MAX_CONNECTIONS, connects / (CONNECTS_PER_SECOND * FILLED))));
  }
  const busy = coresOf(load, costs, gateways);
  return {
    cells,
    workers: Math.ceil(busy.workers / FILLED) + 1,
    gateways: gateways + 1,
    masters: mastersFor(busy.masters),
    busy,
    gatewayMb: GATEWAY_BASE_MB + ((viewers / gateways) * costs.gatewayKbPerViewer) / 1_000,
    redisMb: (cells * load.waiting * (costs.redisKbPerSession + CODE_KB)) / 1_000,
  };
}

/** Six parts divide well among 1, 2, 3 and 6 masters. */
function mastersFor(cores: number): number {
  const needed = Math.ceil(cores / FILLED);
  return [1, 2, 3, WORK_PARTS].find((masters) => masters >= needed) ?? needed;
}
