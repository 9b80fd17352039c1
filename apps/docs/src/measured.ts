/** Tables of the comparison, made of the results of benchmarks that are committed in infra/bench. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Language, TOP } from './site-map.ts';

interface Row {
  readonly what: string;
  readonly unit: string;
  /** A value for each round, or one for all. */
  readonly ours: Values;
  /** For each other column; null if it was not measured. */
  readonly others: readonly (Values | null)[];
}
type Values = number | readonly number[];

interface Measured {
  readonly at: string;
  readonly machine: {
    readonly node: string;
    readonly system: string;
    readonly processor: string;
    readonly cores: number;
    readonly memoryGb: number;
  };
  readonly result: { readonly columns: readonly string[]; readonly rows: readonly Row[] };
}

/** A difference below this says nothing on the machine of the results. */
const ABOUT_EQUAL = 0.15;

/** The rows that answer what a reader asks, by benchmark. The keys are the names in its result. */
const CHOSEN: Readonly<Record<string, Readonly<Record<string, { readonly en: string; readonly ru: string }>>>> = {
  relay: {
    'state: change to viewer, p50': { en: 'a new code to its viewer, median', ru: 'новый код до зрителя, медиана' },
    'state: change to viewer, p99': { en: 'a new code to its viewer, p99', ru: 'новый код до зрителя, p99' },
    'state: gateway CPU per delivery': { en: 'processor time of the gateway per delivery', ru: 'процессорное время шлюза на доставку' },
    'state: Redis CPU per delivery': { en: 'processor time of Redis per delivery', ru: 'процессорное время Redis на доставку' },
    'gateway RSS': { en: 'memory of the gateway', ru: 'память шлюза' },
  },
  'relay-ws': {
    'state: change to viewer, p50': { en: 'a new code to its viewer, median', ru: 'новый код до зрителя, медиана' },
    'state: change to viewer, p99': { en: 'a new code to its viewer, p99', ru: 'новый код до зрителя, p99' },
    'state: gateway CPU per delivery': { en: 'processor time of the gateway per delivery', ru: 'процессорное время шлюза на доставку' },
    'state: Redis CPU per delivery': { en: 'processor time of Redis per delivery', ru: 'процессорное время Redis на доставку' },
    'gateway RSS': { en: 'memory of the gateway', ru: 'память шлюза' },
  },
  connect: {
    'Socket.IO: connect to first state, p50': {
      en: 'Socket.IO: connect to the first state, median',
      ru: 'Socket.IO: от подключения до первого состояния, медиана',
    },
    'Socket.IO: gateway CPU per connect': {
      en: 'Socket.IO: processor time of the gateway per connect',
      ru: 'Socket.IO: процессорное время шлюза на подключение',
    },
    'WebSocket: gateway CPU per connect': {
      en: 'WebSocket: processor time of the gateway per connect',
      ru: 'WebSocket: процессорное время шлюза на подключение',
    },
  },
  upstream: {
    '1 worker, 1 viewer: requests per instance in 5 s': {
      en: 'requests to the provider in 5 s, 1 viewer',
      ru: 'запросов к провайдеру за 5 с, 1 зритель',
    },
    '1 worker, 10 viewers: requests per instance in 5 s': {
      en: 'requests to the provider in 5 s, 10 viewers',
      ru: 'запросов к провайдеру за 5 с, 10 зрителей',
    },
    '1 worker, 1000 viewers: requests per instance in 5 s': {
      en: 'requests to the provider in 5 s, 1,000 viewers',
      ru: 'запросов к провайдеру за 5 с, 1000 зрителей',
    },
  },
  'first-paint': {
    'a code that is shown already, cold, median': {
      en: 'opening the page to a painted code, cold, median',
      ru: 'от открытия страницы до кода на экране, без кеша, медиана',
    },
    'over the wire, cold': { en: 'bytes over the wire, cold', ru: 'передано по сети, без кеша' },
  },
};

const WORDS = {
  en: {
    question: 'measured',
    better: 'better',
    worse: 'worse',
    equal: 'about equal',
    units: { '': '', ms: 'ms', µs: 'µs', MB: 'MB', kB: 'kB' },
  },
  ru: {
    question: 'измерено',
    better: 'лучше',
    worse: 'хуже',
    equal: 'примерно равно',
    units: { '': '', ms: 'мс', µs: 'мкс', MB: 'МБ', kB: 'кБ' },
  },
} as const;

function read(bench: string): Measured {
  return JSON.parse(readFileSync(join(TOP, `infra/bench/results/${bench}.json`), 'utf8')) as Measured; // the benchmark wrote it
}

/** @throws {Error} if the result has no such row: then it was renamed there */
export function measuredTable(bench: string, language: Language): string {
  const { columns, rows } = read(bench).result;
  const { question } = WORDS[language];
  const lines = Object.entries(CHOSEN[bench] ?? {}).map(([what, labels]) => {
    const row = rows.find((one) => one.what === what);
    if (row === undefined) throw new Error(`expected the results of ${bench} to have "${what}"; correct CHOSEN in measured.ts`);
    return [labels[language], withUnit(median(row.ours), row.unit, language), ...row.others.map((other) => cell(row, other, language))];
  });
  const head = [question, ...columns];
  return [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A rival's figure, and how ours compares: less is better in every row. */
function cell({ ours, unit }: Row, other: Values | null, language: Language): string {
  if (other === null) return '—';
  return `${withUnit(median(other), unit, language)} (${verdict(ratio(ours, other), language)})`;
}

/** As the benchmark does it: of each round, then the median. */
function ratio(ours: Values, other: Values): number {
  if (typeof ours === 'number' || typeof other === 'number' || ours.length !== other.length) return median(ours) / median(other);
  return median(ours.map((value, i) => value / (other[i] ?? Number.NaN)));
}

function verdict(value: number, language: Language): string {
  const { better, worse, equal } = WORDS[language];
  if (value > 1 + ABOUT_EQUAL) return `**${number(value, language)}× ${worse}**`;
  return value < 1 / (1 + ABOUT_EQUAL) ? `${number(1 / value, language)}× ${better}` : equal;
}

function median(values: Values): number {
  if (typeof values === 'number') return values;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function number(value: number, language: Language): string {
  return new Intl.NumberFormat(language, { maximumSignificantDigits: value >= 100 ? 4 : 2 }).format(value);
}

function withUnit(value: number, unit: string, language: Language): string {
  const units: Readonly<Record<string, string>> = WORDS[language].units;
  return `${number(value, language)} ${units[unit] ?? unit}`.trim();
}

export function describeMachine(bench: string, language: Language): string {
  const { at, machine } = read(bench);
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(at));
  const { cores, memoryGb, processor, system, node } = machine;
  return language === 'en'
    ? `Measured on ${day}: ${cores} shared cores (${processor.replaceAll('(R)', '')}), ${memoryGb} GB of memory, ${system}, Node ${node.slice(1)}.`
    : `Измерено ${day}: ${cores} общих ядра (${processor.replaceAll('(R)', '')}), ${memoryGb} ГБ памяти, ${system}, Node ${node.slice(1)}.`;
}
