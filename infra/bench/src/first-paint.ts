/**
 * `first-paint`: how long does a person wait for the code? From the navigation to `/connect` until
 * the code is painted, in Chromium. The browser profile is new (cold), or had the page before
 * (warm). The session shows a code already, or nobody has polled it yet.
 *
 * The rival is a bare page that asks the provider itself. Whoever opens it needs the token.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import { type ApiAccess, createSession, showsText } from './api-client.ts';
import { BARE_PAGE_PATH } from './bare-page.ts';
import { createProfiles, type Painted, paintCode, requireChromium } from './chromium.ts';
import type { BenchConfig } from './config.ts';
import { spreadOf } from './measure.ts';
import { openMeteredRedis } from './metered-redis.ts';
import { soon } from './pace.ts';
import { type BenchResult, medianOf, type Row, type Values } from './result.ts';
import { openRoleFor, type Role } from './role.ts';
import type { ApiGatewayMethods } from './roles/api-gateway.ts';
import type { CodeProviderMethods } from './roles/code-provider.ts';
import type { WorkerMethods } from './roles/worker.ts';
import { compare } from './rounds.ts';
import { apiTokenOf } from './seed.ts';
import { createSystem, GATEWAY_FLAGS, WORKER_FLAGS } from './system.ts';

const CODES = 64;
const FIRST_INSTANCE = 1_101_000_000;
const SHOWN_WITHIN_MS = 10_000;
/** The provider's answer to the bare page when ours shows a code already. */
const AT_ONCE_MS = 0;
const TIMES = {
  'shown cold': 'a code that is shown already, cold',
  'shown warm': 'a code that is shown already, warm',
  'polled cold': 'a code that must be polled first, cold',
  'polled warm': 'a code that must be polled first, warm',
} as const;
type Time = keyof typeof TIMES;
const FIGURES = {
  'shown cold': { what: `${TIMES['shown cold']}, median`, unit: 'ms' },
  'shown warm': { what: `${TIMES['shown warm']}, median`, unit: 'ms' },
  'polled cold': { what: `${TIMES['polled cold']}, median`, unit: 'ms' },
  'polled warm': { what: `${TIMES['polled warm']}, median`, unit: 'ms' },
  'cold requests': { what: 'requests, cold', unit: '' },
  'warm requests': { what: 'requests, warm', unit: '' },
  'cold bytes': { what: 'over the wire, cold', unit: 'kB', isChecked: true },
  'warm bytes': { what: 'over the wire, warm', unit: 'kB', isChecked: true },
} as const;
type Key = keyof typeof FIGURES;
const TARGET_COLD_MS = 250;

/** Pages of one contender. */
interface Pages {
  readonly withProfile: ReturnType<typeof createProfiles>;
  readonly provider: Role<CodeProviderMethods>;
  readonly answerMs: number;
  nextUrl(isShown: boolean): Promise<string>;
}

export async function runFirstPaint(
  config: BenchConfig,
  path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  const program = requireChromium(path);
  const provider = await openRoleFor<CodeProviderMethods>(releasers, 'code-provider');
  const { url: upstream } = await provider.call('start', CODES);
  const redis = await openMeteredRedis(path);
  releasers.push('redis', () => redis.close());
  const system = createSystem(redis.url);
  const gateway = await openRoleFor<ApiGatewayMethods>(releasers, 'api-gateway', { ...config, nodeFlags: GATEWAY_FLAGS });
  const worker = await openRoleFor<WorkerMethods>(releasers, 'worker', { ...config, nodeFlags: WORKER_FLAGS });
  const access = await gateway.call('start', system, upstream, 'built');
  await worker.call('start', system, [upstream]);

  const shared = { withProfile: createProfiles(program, releasers), provider, answerMs: config.answerMs };
  const ours: Pages = { ...shared, nextUrl: (isShown) => nextLogin(access, upstream, isShown) };
  const bare: Pages = { ...shared, nextUrl: async () => `${upstream}${BARE_PAGE_PATH}#/waInstance${FIRST_INSTANCE}/qr/${apiTokenOf(0)}` };
  progress('first-paint: warming up');
  for (const pages of [ours, bare]) await measure(pages);
  const rows = await compare({
    rounds: config.paints,
    contenders: [
      { name: 'qrcast', measure: () => measure(ours) },
      { name: 'bare page', measure: () => measure(bare) },
    ],
    figures: FIGURES,
    progress,
  });
  return report(config, rows);
}

let instances = 0;

/** Makes a session of a new instance. Resolves to its login page's address. */
async function nextLogin(access: ApiAccess, apiUrl: string, isShown: boolean): Promise<string> {
  const index = instances++;
  const instanceId = String(FIRST_INSTANCE + index);
  const { id, pageUrl } = await createSession(access, { instanceId, apiToken: apiTokenOf(index), apiUrl });
  if (!isShown) return pageUrl;
  for (const end = Date.now() + SHOWN_WITHIN_MS; !(await showsText(access, id)); await soon()) {
    if (Date.now() > end) throw new Error(`expected a code with its text within ${SHOWN_WITHIN_MS} ms`);
  }
  return pageUrl;
}

/** One run: two new profiles, and two pages in each of them. */
async function measure(pages: Pages): Promise<Record<Key, number>> {
  const shown = await measureProfile(pages, true);
  const polled = await measureProfile(pages, false);
  return {
    ...{ 'shown cold': shown.cold.ms, 'shown warm': shown.warm.ms },
    ...{ 'polled cold': polled.cold.ms, 'polled warm': polled.warm.ms },
    ...{ 'cold requests': shown.cold.requests, 'warm requests': shown.warm.requests },
    ...{ 'cold bytes': shown.cold.bytes / 1e3, 'warm bytes': shown.warm.bytes / 1e3 },
  };
}

async function measureProfile(
  { withProfile, provider, answerMs, nextUrl }: Pages,
  isShown: boolean,
): Promise<{ cold: Painted; warm: Painted }> {
  await provider.call('answerAfter', isShown ? AT_ONCE_MS : answerMs);
  const [first, second] = [await nextUrl(isShown), await nextUrl(isShown)];
  return withProfile(async (profile) => ({ cold: await paintCode(profile, first), warm: await paintCode(profile, second) }));
}

function report({ paints, answerMs }: BenchConfig, rows: readonly Row[]): BenchResult {
  const valuesOf = (time: Time): Row | undefined => rows.find(({ what }) => what === FIGURES[time].what);
  const tails = (Object.keys(TIMES) as Time[]).map((time): Row => {
    const row = valuesOf(time);
    return { what: `${TIMES[time]}, p99`, unit: 'ms', ours: p99Of(row?.ours), others: [p99Of(row?.others[0])] };
  }); // Object.keys forgets the names
  const targets = (['shown cold', 'polled cold'] as const).map((time) => {
    return { what: TIMES[time], measured: medianOf(valuesOf(time)?.ours ?? Number.NaN), unit: 'ms', most: TARGET_COLD_MS };
  });
  return {
    title: `first-paint: navigation to the painted code in Chromium, ${paints} runs; the provider answers a poll after ${answerMs} ms`,
    columns: ['qrcast', 'bare page'],
    rows: [...rows, ...tails],
    targets,
    notes: ['the provider answers the bare page at once where ours shows a code already'],
  };
}

function p99Of(values: Values | null | undefined): number {
  return values == null ? Number.NaN : spreadOf(typeof values === 'number' ? [values] : values).p99;
}
