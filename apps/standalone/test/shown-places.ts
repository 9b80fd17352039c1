/**
 * For tests: what operators and tenants are shown, place by place: scrapes of metrics, timelines,
 * and what commands print.
 */

import type { Answer, CallOptions } from './callers.ts';
import { startLogin } from './login.ts';
import type { Environment, Program } from './role-process.ts';

type Call = (method: string, path: string, options?: CallOptions) => Promise<Answer>;

/** Resolves once the process serves its metrics. */
export async function metricsPortOf(program: Program): Promise<number> {
  const [, port] = await program.until(/"port":(\d+)[^\n]*metrics are served/);
  return Number(port);
}

/** Resolves to what Prometheus reads there. */
export async function scrapeOf(port: number, token: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`expected metrics, and was answered ${response.status}: ${text}`);
  return text;
}

/** Resolves to the timelines as the tenant and the operator read them. */
export async function timelinesOf(
  call: Call,
  keys: { readonly apiKey: string; readonly adminKey: string },
  ids: readonly string[],
): Promise<string> {
  const asked = ids.flatMap((id) => [
    [`/v1/sessions/${id}/timeline`, keys.apiKey] as const,
    [`/v1/admin/sessions/${id}/timeline`, keys.adminKey] as const,
  ]);
  const answers = await Promise.all(asked.map(([path, secret]) => call('GET', path, { secret })));
  for (const { status, text } of answers) if (status !== 200) throw new Error(`expected a timeline, and was answered: ${text}`);
  return answers.map(({ text }) => text).join('\n');
}

/** Resolves to all that the command has printed. */
export async function printedBy(words: readonly string[], env: Environment): Promise<string> {
  const run = await startLogin(words, { env });
  await run.ended;
  await run.clean();
  return `${run.output()}${run.errors()}`;
}
