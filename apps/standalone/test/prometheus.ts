/**
 * For tests: a real Prometheus from Debian's package, with the rules of the project. It runs in the
 * foreground, with its data in a folder of its own, and is never a service of the system.
 *
 * Guard a test with `describe.skipIf(isMissing('prometheus'))`, which prints why it is skipped.
 */

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { scaleDurations } from '@qrcast/monitoring/scale-durations';
import { freePort } from '@qrcast/runtime/redis/free-port';
import type { Releasers } from '@qrcast/runtime/releasers';
import { findProgram } from './find-program.ts';
import { runServer } from './guarded-server.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface Prometheus {
  /** What a query gives now. @throws {Error} if Prometheus refuses it */
  ask(query: string): Promise<readonly Sample[]>;
  /** When each sample of the last hour was taken, Unix ms, of all series that the selector finds. */
  sampledAt(selector: string): Promise<readonly number[]>;
  /** The alerts that fire now. */
  firing(): Promise<readonly Labels[]>;
  /** What was wrong with the last evaluation of a rule, of all rules. */
  ruleFaults(): Promise<readonly string[]>;
}

export interface PrometheusOptions {
  /** On the loopback address. */
  readonly ports: readonly number[];
  readonly scrapeEverySeconds: number;
  /** The durations of the rules are divided by it. */
  readonly divisor: number;
}

const RULES = fileURLToPath(import.meta.resolve('@qrcast/monitoring/alerts.yaml'));
const READY_WITHIN_MS = 60_000;
const TRIES = 5;

export async function startPrometheus(releasers: Releasers, options: PrometheusOptions): Promise<Prometheus> {
  const program = findProgram('prometheus');
  if (program === null) throw new Error('there is no prometheus; guard the test with isMissing');
  const folder = await mkdtemp(join(tmpdir(), 'qrcast-test-prometheus-'));
  releasers.push("prometheus's folder", () => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'rules.yaml'), scaleDurations(readFileSync(RULES, 'utf8'), options.divisor));
  await writeFile(join(folder, 'config.yaml'), JSON.stringify(configOf(options))); // JSON is YAML
  let lastError: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const address = `127.0.0.1:${await freePort()}`;
    const prefix = `/${randomUUID()}`; // shows that the port belongs to the one just started
    const server = runServer(program, argsOf(folder, address, prefix), folder, 'SIGTERM');
    try {
      await untilReady(`http://${address}${prefix}`, server.failed);
      releasers.push('prometheus', server.close);
      return createApi(`http://${address}${prefix}/api/v1`);
    } catch (error) {
      await server.close();
      lastError = new Error(server.output(), { cause: error });
    }
  }
  throw new Error(`prometheus did not start in ${TRIES} tries`, { cause: lastError });
}

function configOf({ ports, scrapeEverySeconds }: PrometheusOptions): object {
  const every = `${scrapeEverySeconds}s`;
  return {
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [{ job_name: 'qrcast', static_configs: [{ targets: ports.map((port) => `127.0.0.1:${port}`) }] }],
  };
}

const argsOf = (folder: string, address: string, prefix: string): readonly string[] => [
  `--config.file=${join(folder, 'config.yaml')}`,
  `--storage.tsdb.path=${join(folder, 'data')}`,
  `--web.listen-address=${address}`,
  `--web.route-prefix=${prefix}`,
  '--log.level=warn',
];

/** @throws {Error} if it ended */
async function untilReady(url: string, failed: Promise<never>): Promise<void> {
  const deadline = AbortSignal.timeout(READY_WITHIN_MS);
  for (;;) {
    const isReady = await Promise.race([answersReady(url), failed]);
    if (isReady) return;
    deadline.throwIfAborted();
    await delay(50);
  }
}

async function answersReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok;
  } catch {
    return false; // nobody listens yet
  }
}

interface Answer<Data> {
  readonly status: 'success' | 'error';
  readonly error?: string;
  readonly data: Data;
}

type Vector = { readonly result: readonly { readonly metric: Labels; readonly value: readonly [at: number, value: string] }[] };
type Matrix = { readonly result: readonly { readonly values: readonly (readonly [at: number, value: string])[] }[] };
type Alerts = { readonly alerts: readonly { readonly labels: Labels; readonly state: 'pending' | 'firing' }[] };
type Rules = { readonly groups: readonly { readonly rules: readonly { readonly name: string; readonly lastError?: string }[] }[] };

function createApi(url: string): Prometheus {
  async function get<Data>(path: string): Promise<Data> {
    const answer = (await (await fetch(`${url}/${path}`)).json()) as Answer<Data>; // Prometheus's documented form
    if (answer.status !== 'success') throw new Error(`Prometheus refused ${decodeURIComponent(path)}: ${answer.error}`);
    return answer.data;
  }
  return {
    async ask(query) {
      const { result } = await get<Vector>(`query?query=${encodeURIComponent(query)}`);
      return result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
    },
    async sampledAt(selector) {
      const { result } = await get<Matrix>(`query?query=${encodeURIComponent(`${selector}[1h]`)}`);
      return result.flatMap(({ values }) => values.map(([at]) => at * 1_000)).toSorted((a, b) => a - b);
    },
    async firing() {
      const { alerts } = await get<Alerts>('alerts');
      return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels);
    },
    async ruleFaults() {
      const { groups } = await get<Rules>('rules');
      return groups.flatMap(({ rules }) =>
        rules.flatMap(({ name, lastError = '' }) => (lastError === '' ? [] : [`${name}: ${lastError}`])),
      );
    },
  };
}
