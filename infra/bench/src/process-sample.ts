/** What a process holds, for a run that looks for leaks. */

import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuditLimits } from '@qrcast/runtime/audit/audit-log';

export interface ProcessSample {
  readonly rssBytes: number;
  /** After a collection. */
  readonly heapBytes: number;
  /** Outside of the heap: buffers and native objects. */
  readonly externalBytes: number;
  /** Sockets, timers and requests that are open. */
  readonly resources: number;
  /** Open files and sockets. */
  readonly descriptors: number;
}

/**
 * By default 100,000 entries of all tenants are kept, which is some hours of such a load. With
 * these the log is full after a few minutes, so it grows no more.
 */
export const AUDIT_LIMITS: AuditLimits = { entries: 200, keepMs: 86_400_000 };

const DESCRIPTORS = '/proc/self/fd';
/** Buffers are freed in the background, and finalizers free more, which the second collection takes. */
const COLLECTIONS = 2;
const FREED_WITHIN_MS = 250;

/**
 * Collects garbage first. Rejects without Node's flag `--expose-gc`, or on another system than
 * Linux.
 */
export async function sampleProcess(): Promise<ProcessSample> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('expected the flag --expose-gc; add it to nodeFlags');
  for (let times = 0; times < COLLECTIONS; times++) {
    collect();
    await delay(FREED_WITHIN_MS);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return {
    rssBytes: rss,
    heapBytes: heapUsed,
    externalBytes: external,
    resources: process.getActiveResourcesInfo().length,
    descriptors: readdirSync(DESCRIPTORS).length - 1, // one is for this reading
  };
}
