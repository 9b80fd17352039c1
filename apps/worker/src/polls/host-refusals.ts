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

interface Host {
  /** By instance, oldest first. */
  readonly answers: Map<string, Answer>;
  /** How many of them are refusals: counted as they come and go, for while a host refuses everybody this is asked with each poll. */
  refused: number;
}

/** `now`: a clock that never goes back, ms. */
export function createHostRefusals({ now }: { readonly now: () => number }): HostRefusals {
  const hosts = new LRUCache<string, Host>({ max: MAX_HOSTS });

  function forget(host: Host, instanceKey: string): void {
    if (host.answers.get(instanceKey)?.isRefused === true) host.refused--;
    host.answers.delete(instanceKey);
  }

  function recentOf(name: string): Host {
    const host = hosts.get(name) ?? { answers: new Map<string, Answer>(), refused: 0 };
    hosts.set(name, host);
    for (const [instanceKey, { at }] of host.answers) {
      if (at > now() - MOMENT_MS && host.answers.size < MAX_INSTANCES) break;
      forget(host, instanceKey);
    }
    return host;
  }

  return {
    note(name, instanceKey, { kind }) {
      if (kind === 'trouble') return false; // neither well nor refused
      const host = recentOf(name);
      const isRefused = kind === 'refused';
      forget(host, instanceKey); // so that it becomes the newest
      host.answers.set(instanceKey, { at: now(), isRefused });
      if (isRefused) host.refused++;
      return isRefused && host.refused >= MANY && host.refused * 2 > host.answers.size;
    },
  };
}
