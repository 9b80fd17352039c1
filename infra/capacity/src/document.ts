/** Puts the tables into CAPACITY.md, each between two marks, and leaves the text around them alone. */

import { checkPlan } from './incidents.ts';
import { LOADS } from './loads.ts';
import { costsTable, outcomesTable, plansTable } from './tables.ts';
import { readUnitCosts } from './unit-costs.ts';

/** The same tables come out each time. */
const SEED = 20_261_203;

/** @throws {Error} if the document lacks a mark */
export function withTables(document: string): string {
  const costs = readUnitCosts();
  const checked = LOADS.map((load) => checkPlan(load, costs, SEED));
  const outcomes = checked.map((one) => `**${one.load.name}**, one of ${one.plan.cells}:\n\n${outcomesTable(one)}`);
  const tables = { costs: costsTable(costs), plans: plansTable(checked), outcomes: outcomes.join('\n\n') };
  return Object.entries(tables).reduce((text, [name, table]) => between(text, name, table), document);
}

function between(document: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [document.indexOf(begin), document.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`CAPACITY.md needs the marks ${begin} and ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${table}\n\n${document.slice(to)}`;
}
