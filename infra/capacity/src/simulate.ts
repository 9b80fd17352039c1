/**
 * Simulates one cell of a plan, event by event: ticks, claims, polls, answers, messages and connects
 * wait for Redis masters, workers and gateways, each of which does one thing at a time. What happens
 * to many at once is one event: the polls of a shard in half a second, the connects of 100 ms.
 */

import { type Agenda, createAgenda, createServer, type Server } from './events.ts';
import { CONNECTS_PER_SECOND, gatewaysOfSession, type Load, type Plan, perMessage, ratesOf, WORK_PARTS } from './plan.ts';
import { createSpread, type Spread } from './quantiles.ts';
import { createRandom, type Random } from './random.ts';
import type { UnitCosts } from './unit-costs.ts';

export type Incident =
  | { readonly kind: 'none' }
  /** A master is away for so long. */
  | { readonly kind: 'failover'; readonly awayMs: number }
  /** A gateway ends, and its viewers come back to the others. */
  | { readonly kind: 'lost gateway' }
  /** So many viewers more come within ten seconds, and stay. */
  | { readonly kind: 'rush'; readonly viewers: number };

export interface Scenario {
  readonly load: Load;
  readonly plan: Pick<Plan, 'workers' | 'gateways' | 'masters'>;
  readonly costs: UnitCosts;
  readonly incident: Incident;
  /** How much of the sessions stands in one of the parts. An even share is 1 / WORK_PARTS. */
  readonly share?: number;
  readonly seed: number;
}

export interface Outcome {
  /** From the moment at which a poll is due to its request, ms. */
  readonly lateness: Spread;
  /** From the provider's answer to the gateway's write, ms. */
  readonly delivery: Spread;
  /** The share of its time that the busiest of each kind is busy. */
  readonly busiest: { readonly worker: number; readonly gateway: number; readonly master: number };
  /** From the incident to the last viewer that is back, ms; 0 if none had to come back. */
  readonly backAfterMs: number;
  /** From the incident to the last poll that was more than `LATE_MS` late, ms. */
  readonly lateForMs: number;
}

export const LATE_MS = 1_000;
const RUN_MS = 60_000;
const INCIDENT_AT_MS = 20_000;
const TICK_MS = 500;
const SHARDS = 32;
const SLOT_MS = 100;
/** Half of a poll's costs fall before the request, half after its answer. */
const HALF = 0.5;
const PROVIDER_MS = { median: 150, spread: 0.6 };
/** How the client waits before it comes back. */
const RETURN_MS = { least: 1_000, most: 5_000 };
const RUSH_MS = 10_000;
/** Of the polls of a batch, so many stand for all. */
const SAMPLES = 4;

interface Cell extends Omit<Scenario, 'load'> {
  /** As it is now: those of a rush stay. */
  load: Load;
  /** The gateways that run. */
  running: readonly Server[];
  readonly agenda: Agenda;
  readonly random: Random;
  readonly workers: readonly Server[];
  readonly gateways: readonly Server[];
  readonly masters: readonly Server[];
  readonly lateness: ReturnType<typeof createSpread>;
  readonly delivery: ReturnType<typeof createSpread>;
  /** When each master is there again. */
  readonly awayUntil: number[];
  lateUntil: number;
  backAt: number;
}

export function simulate(scenario: Scenario): Outcome {
  const { plan, seed } = scenario;
  const servers = (count: number): Server[] => Array.from({ length: count }, createServer);
  const gateways = servers(plan.gateways);
  const cell: Cell = {
    ...scenario,
    agenda: createAgenda(),
    random: createRandom(seed),
    workers: servers(plan.workers),
    gateways,
    running: gateways,
    masters: servers(plan.masters),
    lateness: createSpread(),
    delivery: createSpread(),
    awayUntil: Array.from({ length: plan.masters }, () => 0),
    lateUntil: INCIDENT_AT_MS,
    backAt: INCIDENT_AT_MS,
  };
  startTicks(cell);
  startConnects(cell);
  cell.agenda.add(INCIDENT_AT_MS, () => happen(cell));
  cell.agenda.runUntil(RUN_MS);
  const busiest = (all: readonly Server[]): number => Math.max(...all.map(({ busyMs }) => busyMs)) / RUN_MS;
  return {
    lateness: cell.lateness.read(),
    delivery: cell.delivery.read(),
    busiest: { worker: busiest(cell.workers), gateway: busiest(cell.gateways), master: busiest(cell.masters) },
    backAfterMs: cell.backAt - INCIDENT_AT_MS,
    lateForMs: cell.lateUntil - INCIDENT_AT_MS,
  };
}

/** Each part has a ticker, which looks at all its shards every half second. */
function startTicks(cell: Cell): void {
  const { load, masters, share = 1 / WORK_PARTS, agenda, random } = cell;
  for (let part = 0; part < WORK_PARTS; part++) {
    const ofPart = part === 0 ? share : (1 - share) / (WORK_PARTS - 1);
    const waiting = (load.waiting * ofPart) / SHARDS;
    const master = Math.floor((part * masters.length) / WORK_PARTS);
    const offset = random.next() * TICK_MS;
    for (let shard = 0; shard < SHARDS; shard++) {
      let before = offset - TICK_MS;
      const tick = (at: number): void => {
        agenda.add(at + TICK_MS, tick);
        if (at < (cell.awayUntil[master] ?? 0)) return; // what is due stays due
        const windowMs = Math.min(at - before, load.pollEverySeconds * 1_000);
        before = at;
        claim(cell, master, random.poisson((waiting * windowMs) / (load.pollEverySeconds * 1_000)), windowMs, at);
      };
      agenda.add(offset, tick);
    }
  }
}

/** The polls that came due in the window are claimed, asked, and their answers stored and sent. */
function claim(cell: Cell, master: number, polls: number, windowMs: number, dueUntil: number): void {
  const { agenda, random, costs, workers } = cell;
  if (polls === 0) return;
  const claimed = serveAt(cell.masters, master, dueUntil, (polls * costs.redisPerPoll * HALF) / 1_000);
  agenda.add(claimed, (at) => {
    const worker = leastBusy(workers, at, random);
    const costMs = (polls * costs.workerPerPoll * HALF) / 1_000;
    const end = worker.serve(at, costMs);
    noteLateness(cell, { polls, windowMs, dueUntil, from: end - costMs, to: end });
    agenda.add(end + random.logNormal(PROVIDER_MS.median, PROVIDER_MS.spread), (answeredAt) => {
      const read = worker.serve(answeredAt, costMs);
      agenda.add(read, () => {
        const stored = serveAt(cell.masters, master, read, (polls * costs.redisPerPoll * HALF) / 1_000);
        agenda.add(stored, () => send(cell, master, polls, answeredAt, stored));
      });
    });
  });
}

interface Batch {
  readonly polls: number;
  readonly windowMs: number;
  readonly dueUntil: number;
  /** Its requests go out between these. */
  readonly from: number;
  readonly to: number;
}

function noteLateness(cell: Cell, { polls, windowMs, dueUntil, from, to }: Batch): void {
  for (let i = 0; i < SAMPLES; i++) {
    const share = (i + cell.random.next()) / SAMPLES; // the earliest due is asked first
    const lateMs = from + share * (to - from) - (dueUntil - windowMs * (1 - share));
    cell.lateness.add(lateMs, polls / SAMPLES);
    if (lateMs > LATE_MS) cell.lateUntil = Math.max(cell.lateUntil, to);
  }
}

/** Each gateway that has viewers of these sessions gets its messages. */
function send(cell: Cell, master: number, polls: number, answeredAt: number, at: number): void {
  const { load, costs, running: gateways, agenda } = cell;
  const { states, polls: allPolls } = ratesOf(load);
  const ofStates = states / allPolls;
  const reached = gatewaysOfSession(load.viewersPerSession, gateways.length);
  const cost = (first: number): number => perMessage(first, costs, load.viewersPerSession, gateways.length);
  const mean = ofStates * cost(costs.gatewayPerState) + (1 - ofStates) * cost(costs.gatewayPerRenewal);
  const messages = (polls * reached) / gateways.length;
  const published = serveAt(cell.masters, master, at, (polls * reached * costs.redisPerMessage) / 1_000);
  agenda.add(published, () => {
    const written = gateways.map((gateway) => gateway.serve(published, (messages * mean) / 1_000));
    const one = written[Math.floor(cell.random.next() * written.length)]; // it stands for all of them
    if (one !== undefined) cell.delivery.add(one - answeredAt, polls * reached);
  });
}

/** People come and go all the time. */
function startConnects(cell: Cell): void {
  const { random, agenda, costs } = cell;
  const slot = (at: number): void => {
    agenda.add(at + SLOT_MS, slot);
    const { connects, viewers } = ratesOf(cell.load);
    const share = SLOT_MS / 1_000 / cell.running.length;
    const [perSlot, idleMs] = [connects * share, (viewers * share * costs.gatewayPerIdleViewer) / 1_000];
    for (const gateway of cell.running) {
      gateway.serve(at, idleMs);
      connect(cell, gateway, random.poisson(perSlot), at);
    }
  };
  agenda.add(0, slot);
}

function connect(cell: Cell, gateway: Server, count: number, at: number): void {
  if (count === 0) return;
  const { masters, costs, random } = cell;
  const master = Math.floor(random.next() * masters.length);
  gateway.serve(at, (count * costs.gatewayPerConnect) / 1_000);
  serveAt(masters, master, at, (count * costs.redisPerConnect) / 1_000);
}

function happen(cell: Cell): void {
  const { incident, plan, load } = cell;
  if (incident.kind === 'failover') {
    cell.awayUntil[0] = INCIDENT_AT_MS + incident.awayMs;
    cell.masters[0]?.stop(INCIDENT_AT_MS, INCIDENT_AT_MS + incident.awayMs);
  }
  if (incident.kind === 'rush') {
    cell.load = { ...load, viewersPerSession: load.viewersPerSession + incident.viewers / load.waiting };
    comeIn(cell, incident.viewers, 0, RUSH_MS);
  }
  if (incident.kind === 'lost gateway') {
    cell.running = cell.gateways.slice(1);
    comeIn(cell, Math.round(ratesOf(load).viewers / plan.gateways), RETURN_MS.least, RETURN_MS.most);
  }
}

/** Those whom a gateway does not admit try again later. It admits fewer while its core is busy. */
function comeIn(cell: Cell, viewers: number, least: number, most: number): void {
  const { agenda, random, running: gateways } = cell;
  const due = new Map<number, number>();
  const later = (count: number, at: number, from: number, to: number): void => {
    for (let i = 0; i < count; i++) {
      const slot = Math.ceil((at + from + random.next() * (to - from)) / SLOT_MS);
      due.set(slot, (due.get(slot) ?? 0) + 1);
    }
  };
  later(viewers, INCIDENT_AT_MS, least, most);
  const slot = (at: number): void => {
    const number = Math.round(at / SLOT_MS);
    const arrived = due.get(number) ?? 0;
    due.delete(number);
    let left = arrived;
    for (const gateway of gateways) {
      const isBusy = gateway.waitAt(at) > SLOT_MS;
      const taken = (CONNECTS_PER_SECOND * SLOT_MS) / 1_000 / (isBusy ? 10 : 1);
      const admitted = Math.min(Math.ceil(arrived / gateways.length), Math.floor(taken), left);
      connect(cell, gateway, admitted, at);
      left -= admitted;
    }
    if (arrived > left) cell.backAt = at + SLOT_MS;
    later(left, at, RETURN_MS.least, RETURN_MS.most);
    if (due.size > 0) agenda.add(at + SLOT_MS, slot);
  };
  agenda.add(Math.ceil(INCIDENT_AT_MS / SLOT_MS) * SLOT_MS, slot);
}

function serveAt(servers: readonly Server[], index: number, at: number, costMs: number): number {
  const server = servers[index];
  if (server === undefined) throw new Error(`there is no server ${index}`);
  return server.serve(at, costMs);
}

/** Idle workers take turns. */
function leastBusy(servers: readonly Server[], at: number, random: Random): Server {
  const turn = Math.floor(random.next() * servers.length);
  const [first, ...others] = [...servers.slice(turn), ...servers.slice(0, turn)];
  if (first === undefined) throw new Error('a cell needs a worker');
  return others.reduce((best, one) => (one.waitAt(at) < best.waitAt(at) ? one : best), first);
}
