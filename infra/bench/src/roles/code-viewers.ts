/** Viewers that note when they were shown which code, and when they were told `connected`. */

import type { Releasers } from '@qrcast/runtime/releasers';
import type { SeenCode } from '../code-latencies.ts';
import { openCodeViewer } from '../code-viewer.ts';
import { monotonicMs } from '../measure.ts';
import { pace } from '../pace.ts';
import { serveRole } from '../role-process.ts';

export type CodeViewersMethods = ReturnType<typeof createMethods>;

function createMethods(releasers: Releasers) {
  const logins = createLogins();
  let seen: SeenCode[] = [];

  async function open(url: string, ticket: string, instance: number): Promise<void> {
    const onState = (state: string, key: string | null): void => {
      if (key !== null) seen.push([instance, key, monotonicMs()]);
      if (state === 'connected') logins.note(instance);
    };
    const viewer = await openCodeViewer({ url, ticket, onState });
    releasers.push(`viewer of ${instance}`, () => viewer.close());
  }

  return {
    /**
     * Opens `each` viewers for each ticket, evenly over `seconds`. Ticket i is for instance
     * `from + i`. Resolves once all have joined.
     */
    async connect(url: string, tickets: readonly string[], from: number, each: number, seconds: number): Promise<void> {
      const joining: Promise<void>[] = [];
      const count = tickets.length * each;
      await pace(count / seconds, seconds, () => {
        const place = joining.length % tickets.length;
        joining.push(open(url, tickets[place] ?? '', from + place));
      });
      await Promise.all(joining);
    },

    /** The codes that were shown since the last call. A code that was only confirmed is not among them. */
    take(): readonly SeenCode[] {
      const taken = seen;
      seen = [];
      return taken;
    },

    lastConnected: logins.last,
  };
}

function createLogins() {
  /** By instance: when each of its viewers was told `connected`. */
  const toldAt = new Map<number, number[]>();
  const awaited = new Map<number, () => void>();

  return {
    note(instance: number): void {
      toldAt.set(instance, [...(toldAt.get(instance) ?? []), monotonicMs()]);
      awaited.get(instance)?.();
    },

    /**
     * Waits until so many viewers of the instance were told `connected`. Resolves to the moment of
     * the last, by `monotonicMs`, or to null after `withinMs`.
     */
    async last(instance: number, viewers: number, withinMs: number): Promise<number | null> {
      const lastAt = (): number | undefined => toldAt.get(instance)?.[viewers - 1];
      const told = Promise.withResolvers<void>();
      const timer = setTimeout(told.resolve, withinMs);
      awaited.set(instance, () => lastAt() !== undefined && told.resolve());
      if (lastAt() === undefined) await told.promise;
      awaited.delete(instance);
      clearTimeout(timer);
      return lastAt() ?? null;
    },
  };
}

serveRole(createMethods);
