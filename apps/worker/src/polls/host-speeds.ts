/**
 * How the provider's hosts have answered this worker in the last minute, over all tenants, and the
 * state of each host by that (host-weather.ts in core). Each worker knows only its own requests.
 */

import { addCounts, countsOfAnswer, type HostCounts, type HostState, judgeHost, NO_ANSWERS } from '@qrcast/core/host-weather';
import { LRUCache } from 'lru-cache';

export interface HostSpeeds {
  /** Notes an answer, or that none came. @param outcome as in the metrics */
  note(host: string, outcome: string, tookMs: number): void;
  stateOf(host: string): HostState;
}

const SLICE_MS = 10_000;
const SLICES = 6;
const MAX_HOSTS = 1_000;

interface Host {
  state: HostState;
  /** Of the last minute, oldest first. */
  slices: { readonly number: number; counts: HostCounts }[];
}

/** `now`: a monotonic clock, ms. */
export function createHostSpeeds({ now }: { readonly now: () => number }): HostSpeeds {
  const hosts = new LRUCache<string, Host>({ max: MAX_HOSTS });

  function judge(host: Host): HostState {
    const current = Math.floor(now() / SLICE_MS);
    host.slices = host.slices.filter(({ number }) => number > current - SLICES);
    host.state = judgeHost(
      host.state,
      host.slices.reduce((all, { counts }) => addCounts(all, counts), NO_ANSWERS),
    );
    return host.state;
  }

  return {
    note(name, outcome, tookMs) {
      const host = hosts.get(name) ?? { state: 'fine', slices: [] };
      hosts.set(name, host);
      const number = Math.floor(now() / SLICE_MS);
      const last = host.slices.at(-1);
      const counts = countsOfAnswer(outcome, tookMs);
      if (last?.number === number) last.counts = addCounts(last.counts, counts);
      else host.slices.push({ number, counts });
      judge(host);
    },
    stateOf(name) {
      const host = hosts.get(name);
      return host === undefined ? 'fine' : judge(host);
    },
  };
}
