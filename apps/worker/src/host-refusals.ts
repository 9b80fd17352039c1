/**
 * Tells a host that refuses everybody from instances whose credentials have become wrong. 401, 403 and 404 of many instances at the same
 * moment, all of which had worked, come from the host: from a deploy or a broken proxy. Such a refusal says nothing of the instance.
 * Each worker counts what it sees itself. Instances that never worked are not counted, so wrong tokens cannot make a host look ill.
 */

import type { Outcome } from '@qrcast/core/outcome';
import { LRUCache } from 'lru-cache';

export interface HostRefusals {
  /** Notes an answer to an instance that had worked. True if it is a refusal and many others of its host are refused at this moment. */
  note(host: string, instanceKey: string, outcome: Outcome): boolean;
}

/** "At this moment": each watched instance is asked once in an interval (5 s), so two of them see everybody. */
const MOMENT_MS = 10_000;
/** Fewer than this are no majority of anything. */
const MANY = 5;
const MAX_HOSTS = 1_000;
/** Of one host; the oldest are forgotten. */
const MAX_INSTANCES = 10_000;

interface Answer {
  readonly at: number;
  readonly isRefused: boolean;
}

/** `now`: a clock that never goes back, ms. */
export function createHostRefusals({ now }: { readonly now: () => number }): HostRefusals {
  const hosts = new LRUCache<string, Map<string, Answer>>({ max: MAX_HOSTS });

  function recentOf(host: string): Map<string, Answer> {
    const answers = hosts.get(host) ?? new Map<string, Answer>();
    hosts.set(host, answers);
    for (const [instanceKey, { at }] of answers) {
      if (at > now() - MOMENT_MS && answers.size < MAX_INSTANCES) break; // oldest first
      answers.delete(instanceKey);
    }
    return answers;
  }

  return {
    note(host, instanceKey, { kind }) {
      if (kind === 'trouble') return false; // neither well nor refused
      const answers = recentOf(host);
      const isRefused = kind === 'refused';
      answers.delete(instanceKey); // so that it becomes the newest
      answers.set(instanceKey, { at: now(), isRefused });
      if (!isRefused) return false;
      let refused = 0;
      for (const answer of answers.values()) if (answer.isRefused) refused++;
      return refused >= MANY && refused * 2 > answers.size;
    },
  };
}
