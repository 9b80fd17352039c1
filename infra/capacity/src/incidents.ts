/** What a plan has to stand, each in a simulation of one of its cells. */

import type { NamedLoad } from './loads.ts';
import { type Plan, planFor, ratesOf } from './plan.ts';
import { type Outcome, type Scenario, simulate } from './simulate.ts';
import type { UnitCosts } from './unit-costs.ts';

export interface NamedIncident {
  readonly name: string;
  scenario(load: NamedLoad): Pick<Scenario, 'incident' | 'share'>;
}

const RUSH_SHARE = 0.2;

export const INCIDENTS: readonly NamedIncident[] = [
  { name: 'an ordinary minute', scenario: () => ({ incident: { kind: 'none' } }) },
  { name: 'a quarter of the sessions in one of six parts', scenario: () => ({ incident: { kind: 'none' }, share: 0.25 }) },
  { name: 'a Redis master is away for 5 s', scenario: () => ({ incident: { kind: 'failover', awayMs: 5_000 } }) },
  { name: 'a gateway is lost', scenario: () => ({ incident: { kind: 'lost gateway' } }) },
  {
    name: 'a fifth more viewers within 10 s',
    scenario: (load) => ({ incident: { kind: 'rush', viewers: Math.round(ratesOf(load).viewers * RUSH_SHARE) } }),
  },
];

export interface Checked {
  readonly load: NamedLoad;
  readonly plan: Plan;
  readonly outcomes: readonly { readonly name: string; readonly outcome: Outcome }[];
}

export function checkPlan(load: NamedLoad, costs: UnitCosts, seed: number): Checked {
  const plan = planFor(load, costs);
  const cell = { ...load, waiting: load.waiting / plan.cells };
  const outcomes = INCIDENTS.map(({ name, scenario }) => ({
    name,
    outcome: simulate({ load: cell, plan, costs, seed, ...scenario(cell) }),
  }));
  return { load, plan, outcomes };
}
