/**
 * `decode`: what does it cost to read the text of a new code from its picture, and does the thread
 * that polls pay for it? The pictures are real codes in the size of the provider's. Each is read
 * once in a round, one after the other.
 */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { BenchConfig } from './config.ts';
import { spreadOf } from './measure.ts';
import { type BenchResult, medianOf, type Row } from './result.ts';
import { openRoleFor, type Role } from './role.ts';
import type { CodeProviderMethods } from './roles/code-provider.ts';
import type { CodeReaderMethods, DrawnCode, ReaderName } from './roles/code-reader.ts';
import { compare } from './rounds.ts';

/** The compilers of JavaScript and WebAssembly are done after some hundred pictures. */
const WARM_UPS = 2;
const READERS: readonly ReaderName[] = ['ours', 'zxing', 'qr'];
const FIGURES = {
  cpuP50: { what: 'CPU of the reading thread per picture, p50', unit: 'ms', isChecked: true },
  cpuP99: { what: 'CPU of the reading thread per picture, p99', unit: 'ms' },
  wallP50: { what: 'asked to text, p50', unit: 'ms' },
  wallP99: { what: 'asked to text, p99', unit: 'ms' },
  pollingCpu: { what: 'CPU of the polling thread per picture', unit: 'ms' },
  pollingBusy: { what: 'polling thread not idle per picture', unit: 'ms' },
  pollingShare: { what: 'share of the CPU that the polling thread has', unit: '%' },
  unread: { what: 'pictures without their text', unit: '' },
} as const;
const TARGETS = { cpuP50: 0.5, pollingShare: 25 } as const;

export async function runDecode(
  config: BenchConfig,
  _path: string,
  releasers: Releasers,
  progress: (text: string) => void,
): Promise<BenchResult> {
  progress(`decode: drawing ${config.pictures} codes`);
  const provider = await openRoleFor<CodeProviderMethods>(releasers, 'code-provider');
  const { codes } = await provider.call('start', config.pictures);
  await provider.close();
  const contenders = [];
  for (const name of READERS) {
    progress(`decode: warming up ${name}`);
    const reader = await openReader(name, codes, config, releasers);
    contenders.push({ name: name === 'ours' ? 'qrcast' : name, measure: () => measure(reader, codes.length) });
  }
  const rows = await compare({ rounds: config.rounds, contenders, figures: FIGURES, progress });
  return {
    title: `decode: ${codes.length} pictures of login links, 328 pixels wide, one after the other`,
    columns: contenders.map(({ name }) => name),
    rows,
    targets: (Object.keys(TARGETS) as (keyof typeof TARGETS)[]).map((figure) => targetOf(rows, figure)), // Object.keys forgets the names
    notes: ['zxing and qr get pixels that fast-png has decoded on the same thread'],
  };
}

async function openReader(
  name: ReaderName,
  codes: readonly DrawnCode[],
  config: BenchConfig,
  releasers: Releasers,
): Promise<Role<CodeReaderMethods>> {
  // Only ours is profiled, because the profiles of one role have one name.
  const reader = await openRoleFor<CodeReaderMethods>(releasers, 'code-reader', name === 'ours' ? config : {});
  await reader.call('start', name, codes);
  for (let times = 0; times < WARM_UPS; times++) await reader.call('readAll');
  return reader;
}

async function measure(reader: Role<CodeReaderMethods>, count: number): Promise<Record<keyof typeof FIGURES, number>> {
  const { cpuMs, wallMs, pollingCpuMs, pollingBusyMs, unread } = await reader.call('readAll');
  const [cpu, wall] = [spreadOf(cpuMs), spreadOf(wallMs)];
  const readingCpuMs = cpuMs.reduce((sum, ms) => sum + ms, 0);
  return {
    ...{ cpuP50: cpu.p50, cpuP99: cpu.p99, wallP50: wall.p50, wallP99: wall.p99 },
    pollingCpu: pollingCpuMs / count,
    pollingBusy: pollingBusyMs / count,
    pollingShare: (pollingCpuMs / (pollingCpuMs + readingCpuMs)) * 100,
    unread,
  };
}

function targetOf(rows: readonly Row[], figure: keyof typeof TARGETS): BenchResult['targets'][number] {
  const { what, unit } = FIGURES[figure];
  const measured = medianOf(rows.find((row) => row.what === what)?.ours ?? Number.NaN);
  return { what, measured, unit, most: TARGETS[figure] };
}
