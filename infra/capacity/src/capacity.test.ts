/** The plans of CAPACITY.md: they follow from the costs, hold in a simulation, and are what the document says. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withTables } from './document.ts';
import { checkPlan, INCIDENTS } from './incidents.ts';
import { LOADS } from './loads.ts';
import { coresOf, FILLED, gatewaysOfSession, type Load, MAX_CONNECTIONS, planFor, ratesOf, WORK_PARTS } from './plan.ts';
import { LATE_MS, type Scenario, simulate } from './simulate.ts';
import { readUnitCosts } from './unit-costs.ts';

const costs = readUnitCosts();
const SEED = 7;
const load: Load = { waiting: 40_000, viewersPerSession: 1, pollEverySeconds: 5, codeEverySeconds: 20, stayedSeconds: 60 };

describe('a plan', () => {
  it('counts what happens in a second', () => {
    expect(ratesOf({ ...load, viewersPerSession: 3 })).toEqual({
      polls: 8_000,
      states: 2_000,
      renewals: 6_000,
      connects: 2_000,
      viewers: 120_000,
    });
  });

  it('knows on how many gateways a session has viewers', () => {
    expect(gatewaysOfSession(1, 10)).toBeCloseTo(1);
    expect(gatewaysOfSession(2, 2)).toBeCloseTo(1.5);
    expect(gatewaysOfSession(10_000, 10)).toBeCloseTo(10);
  });

  it.each(LOADS)('fills nothing too far: $name', (named) => {
    const plan = planFor(named, costs);
    expect(plan.busy.workers / (plan.workers - 1)).toBeLessThanOrEqual(FILLED);
    expect(plan.busy.gateways / (plan.gateways - 1)).toBeLessThanOrEqual(FILLED);
    expect(plan.busy.masters / plan.masters).toBeLessThanOrEqual(FILLED);
    expect(plan.masters).toBeLessThanOrEqual(WORK_PARTS);
    expect(ratesOf(named).viewers / plan.cells / (plan.gateways - 1)).toBeLessThanOrEqual(MAX_CONNECTIONS);
  });

  it('never needs less for more', () => {
    const cores = [100, 1_000, 5_000, 20_000, 80_000].map((waiting) => {
      const { workers, gateways, masters } = coresOf({ ...load, waiting }, costs, 4);
      return workers + gateways + masters;
    });
    expect(cores).toEqual(cores.toSorted((a, b) => a - b));
  });

  it('needs a Redis of its own for each installation whose masters are not enough', () => {
    const { cells, masters } = planFor({ ...load, waiting: 1_000_000 }, costs);
    expect(cells).toBeGreaterThan(1);
    expect(masters).toBe(WORK_PARTS);
  });
});

describe('a simulation', () => {
  const plan = planFor(load, costs);
  const run = (changed: Partial<Scenario> = {}) => simulate({ load, plan, costs, incident: { kind: 'none' }, seed: SEED, ...changed });

  it('is the same for the same seed', () => {
    expect(run()).toEqual(run());
    expect(run({ seed: SEED + 1 })).not.toEqual(run());
  });

  it('makes everything as busy as the plan says', () => {
    const { busiest } = run();
    expect(busiest.gateway / (plan.busy.gateways / plan.gateways)).toBeCloseTo(1, 0);
    expect(busiest.master / (plan.busy.masters / plan.masters)).toBeCloseTo(1, 0);
    expect(busiest.worker).toBeGreaterThanOrEqual(plan.busy.workers / plan.workers);
    expect(busiest.worker).toBeLessThan(1);
  });

  it('has nobody late while all is well, and many with too few workers (twin)', () => {
    expect(run().lateForMs).toBe(0);
    expect(run().lateness.p99).toBeLessThan(LATE_MS);
    const { lateness } = run({ plan: { ...plan, workers: Math.floor(plan.busy.workers / 2) } });
    expect(lateness.p99).toBeGreaterThan(LATE_MS);
  });

  it('has late messages with too few gateways (twin)', () => {
    const few = { ...plan, gateways: Math.floor(plan.busy.gateways / 2) };
    expect(run({ plan: few }).delivery.p99).toBeGreaterThan(10 * run().delivery.p99);
  });

  it('has late polls while a master is away, and soon none', () => {
    const { lateness, lateForMs } = run({ incident: { kind: 'failover', awayMs: 5_000 } });
    expect(lateness.max).toBeGreaterThan(4_000);
    expect(lateForMs).toBeGreaterThan(5_000);
    expect(lateForMs).toBeLessThan(20_000);
  });

  it('brings everybody back whose gateway is lost', () => {
    const { backAfterMs, lateness } = run({ incident: { kind: 'lost gateway' } });
    expect(backAfterMs).toBeGreaterThan(0);
    expect(backAfterMs).toBeLessThan(40_000);
    expect(lateness.p99).toBeLessThan(LATE_MS);
  });

  it('has the gateways that are left do the work of the lost one', () => {
    const small = { ...load, waiting: 10_000 };
    const cell = { load: small, plan: planFor(small, costs) };
    const ordinary = run(cell).busiest.gateway;
    expect(run({ ...cell, incident: { kind: 'lost gateway' } }).busiest.gateway).toBeGreaterThan(1.5 * ordinary);
  });

  it('sends messages to the viewers of a rush', () => {
    const viewers = 40_000;
    const handshakes = (viewers * costs.gatewayPerConnect) / 1e6 / 60 / plan.gateways;
    const more = run({ incident: { kind: 'rush', viewers } }).busiest.gateway - run().busiest.gateway;
    expect(more).toBeGreaterThan(1.1 * handshakes);
  });

  it('fills one master if most sessions stand in one part', () => {
    expect(run({ share: 0.6 }).busiest.master).toBeGreaterThan(1.5 * run().busiest.master);
  });
});

it('a plan names the Redis of all installations together', () => {
  const million = planFor({ ...load, waiting: 1_000_000 }, costs);
  expect(million.redisMb).toBeCloseTo((1_000_000 * (costs.redisKbPerSession + 5)) / 1_000);
});

describe.each(LOADS)('$name', (named) => {
  it('stands each incident', () => {
    const { outcomes } = checkPlan(named, costs, SEED);
    expect(outcomes).toHaveLength(INCIDENTS.length);
    for (const { name, outcome } of outcomes) {
      expect(outcome.backAfterMs, name).toBeLessThan(40_000);
      expect(outcome.lateForMs, name).toBeLessThan(20_000);
    }
  });
});

it('CAPACITY.md has these tables; else run `npx -y pnpm@12 --filter @qrcast/capacity write`', () => {
  const document = readFileSync(fileURLToPath(new URL('../../../CAPACITY.md', import.meta.url)), 'utf8');
  expect(document).toBe(withTables(document));
});

describe('the command', () => {
  const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
  const run = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });

  it('prints the plan of a load, and what it stands', () => {
    const { stdout, status } = run('--waiting', '30000', '--viewers', '2');
    expect(status).toBe(0);
    expect(stdout).toContain('30000 waiting, 2 viewers each');
    expect(stdout).toContain('a gateway is lost');
  });

  it.each(['0', '-5', 'many', 'Infinity', ''])('refuses "%s" sessions', (waiting) => {
    const { stderr, stdout, status } = run(`--waiting=${waiting}`);
    expect({ stderr, stdout, status }).toEqual({
      stderr: `--waiting: expected a number above 0, got "${waiting}"\n`,
      stdout: '',
      status: 2,
    });
  });

  it('refuses an option that it does not know, and says how it is called', () => {
    const { stderr, status } = run('--sessions', '5');
    expect(status).toBe(2);
    expect(stderr).toContain("Unknown option '--sessions'");
    expect(stderr).toContain('--waiting');
  });
});
