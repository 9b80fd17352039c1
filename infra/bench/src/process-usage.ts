/** Reads from Linux's /proc what other programs use. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Usage } from './role-process.ts';

/**
 * `/proc/<pid>/stat` counts in steps of 10 ms, which is too coarse for a few seconds. This file has
 * nanoseconds, of the first thread alone.
 */
const CPU_FILE = 'schedstat';

/** Whether this system tells what another program uses. */
export function canReadUsage(): boolean {
  return existsSync(`/proc/self/${CPU_FILE}`);
}

/**
 * @returns the sum of a process and of its children of the same name, which have one thread each. It
 * counts shared memory for each of them.
 */
export async function usageOfFamily(pid: number): Promise<Usage> {
  const read = (one: number, file: string): Promise<string> => readFile(`/proc/${one}/${file}`, 'utf8');
  const children = (await read(pid, `task/${pid}/children`)).split(' ').filter((text) => text !== '');
  const family = await Promise.all(
    [pid, ...children.map(Number)].map(async (one) => ({ cpu: await read(one, CPU_FILE), status: await read(one, 'status') })),
  );
  const name = nameIn(family[0]?.status ?? '');
  const ofName = family.filter(({ status }) => nameIn(status) === name);
  return {
    cpuMs: ofName.reduce((sum, { cpu }) => sum + cpuMsIn(cpu), 0),
    rssBytes: ofName.reduce((sum, { status }) => sum + rssBytesIn(status), 0),
  };
}

/** @param cpu `/proc/<pid>/schedstat`: nanoseconds on a processor, nanoseconds of waiting for one, turns */
export function cpuMsIn(cpu: string): number {
  return Number(cpu.split(' ')[0]) / 1e6;
}

/** @param status `/proc/<pid>/status` */
export function rssBytesIn(status: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1_024;
}

function nameIn(status: string): string | undefined {
  return /^Name:\s+(.*)$/m.exec(status)?.[1];
}
