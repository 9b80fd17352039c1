/** Reads pictures as the worker does: from the thread that polls, on a thread of their own. */

import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { createLog } from '@qrcast/runtime/log';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import type { Releasers } from '@qrcast/runtime/releasers';
import { type CodeReader, openCodeReader } from '@qrcast/worker/codes/code-reader';
import type { Metered } from '../reading-threads/metered-port.ts';
import { serveRole } from '../role-process.ts';

const THREADS = {
  ours: new URL('../reading-threads/ours.ts', import.meta.url),
  zxing: new URL('../reading-threads/zxing.ts', import.meta.url),
  qr: new URL('../reading-threads/qr.ts', import.meta.url),
} as const;
export type ReaderName = keyof typeof THREADS;

/** Nothing is rationed or too late, because each picture is measured. */
const UNLIMITED = { waitMs: 60_000, pictureMs: 60_000, share: 1 } as const;

export interface DrawnCode {
  /** What it says. */
  readonly link: string;
  /** A data URL. */
  readonly image: string;
}

export interface ReadCosts {
  /** Of the reading thread, ms for each picture. */
  readonly cpuMs: readonly number[];
  /** From the call to the text, ms for each picture. */
  readonly wallMs: readonly number[];
  /** Of the thread that polls, ms for all pictures. */
  readonly pollingCpuMs: number;
  /** The time that the thread that polls was not idle, ms for all pictures. */
  readonly pollingBusyMs: number;
  /** Pictures whose text is missing or wrong. */
  readonly unread: number;
}

export type CodeReaderMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  let codes: readonly DrawnCode[] = [];
  let reader: Pick<CodeReader, 'read'> | null = null;
  /** The thread's CPU time before each picture. */
  let before: number[] = [];
  let reads = 0;

  return {
    async start(name: ReaderName, given: readonly DrawnCode[]): Promise<void> {
      codes = given;
      const opening = once(process, 'worker') as Promise<[Worker]>; // Node emits each new thread
      const opened = openCodeReader(
        { log: createLog('code-reader', 'warn'), meters: createMeters() },
        { ...UNLIMITED, threadFile: THREADS[name] },
      );
      releasers.push('code reader', () => opened.close());
      const [thread] = await opening;
      thread.on('message', ({ cpuMsBefore }: Metered) => before.push(cpuMsBefore));
      await opened.started;
      reader = opened;
    },

    /** Reads every picture once, one after the other. */
    async readAll(): Promise<ReadCosts> {
      if (reader === null) throw new Error('start first');
      before = [];
      const wallMs: number[] = [];
      let unread = 0;
      const [cpu, loop] = [process.threadCpuUsage(), performance.eventLoopUtilization()];
      for (const { link, image } of codes) {
        const startedAt = performance.now();
        const text = await reader.read({ digest: `read ${++reads}`, image });
        wallMs.push(performance.now() - startedAt);
        if (text !== link) unread++;
      }
      const [{ user, system }, { active }] = [process.threadCpuUsage(cpu), performance.eventLoopUtilization(loop)];
      const cpuMs = before.slice(1).map((after, place) => after - (before[place] ?? Number.NaN));
      return { cpuMs, wallMs, pollingCpuMs: (user + system) / 1_000, pollingBusyMs: active, unread };
    },
  };
}

serveRole(createMethods);
