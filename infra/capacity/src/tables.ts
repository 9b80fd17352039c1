/** The tables of CAPACITY.md. */

import type { Checked } from './incidents.ts';
import type { Plan } from './plan.ts';
import type { UnitCosts } from './unit-costs.ts';

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const seconds = (ms: number): string => (ms === 0 ? '–' : `${(ms / 1_000).toFixed(1)} s`);
const percent = (share: number): string => `${Math.round(share * 100)} %`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** Everything that a plan runs, a core each. */
const coresOfPlan = ({ cells, workers, gateways, masters }: Plan): number => cells * (workers + gateways + masters);

export function costsTable(costs: UnitCosts): string {
  return table(
    ['a unit', 'costs'],
    [
      ['a poll', `${whole(costs.workerPerPoll)} µs of a worker, ${whole(costs.redisPerPoll)} µs of Redis`],
      ['a message to one gateway more', `${whole(costs.redisPerMessage)} µs of Redis`],
      ['a new code to the first viewer of a session on a gateway', `${whole(costs.gatewayPerState)} µs of the gateway`],
      ['a renewal of the same code to it', `${whole(costs.gatewayPerRenewal)} µs of the gateway`],
      ['either to a further viewer there', `${whole(costs.gatewayPerMoreViewer)} µs of the gateway`],
      ['a viewer that comes', `${whole(costs.gatewayPerConnect)} µs of the gateway, ${whole(costs.redisPerConnect)} µs of Redis`],
      ['a viewer for a second', `${costs.gatewayPerIdleViewer.toFixed(1)} µs of the gateway`],
      ['a viewer', `${whole(costs.gatewayKbPerViewer)} kB of the gateway`],
      ['a waiting session', `${costs.redisKbPerSession.toFixed(2)} kB of Redis, and its code`],
    ],
  );
}

export function plansTable(checked: readonly Checked[]): string {
  return table(
    ['load', 'installations', 'workers', 'gateways', 'Redis masters', 'cores in all', 'a gateway', 'Redis in all'],
    checked.map(({ load, plan }) => [
      load.name,
      whole(plan.cells),
      whole(plan.workers),
      whole(plan.gateways),
      whole(plan.masters),
      whole(coresOfPlan(plan)),
      `${whole(plan.gatewayMb)} MB`,
      `${whole(plan.redisMb)} MB`,
    ]),
  );
}

export function outcomesTable({ outcomes }: Checked): string {
  return table(
    [
      'what happens',
      'late polls, p99',
      'to the gateway, p99',
      'busiest worker, gateway, master',
      'viewers are back after',
      'polls are late for',
    ],
    outcomes.map(({ name, outcome: { lateness, delivery, busiest, backAfterMs, lateForMs } }) => [
      name,
      `${whole(lateness.p99)} ms`,
      `${whole(delivery.p99)} ms`,
      [busiest.worker, busiest.gateway, busiest.master].map(percent).join(', '),
      seconds(backAfterMs),
      seconds(lateForMs),
    ]),
  );
}
