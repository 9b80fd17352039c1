/**
 * Distinguishes a host that refuses everybody from instances whose credentials have become wrong.
 * If many instances that had worked are answered 401, 403 or 404 at the same time, the host is the
 * cause, for example a deploy or a broken proxy. Such a refusal says nothing about the instance.
 *
 * Each worker counts only its own requests. Instances that never worked do not count, so wrong
 * tokens cannot make a host look broken.
 */

import type { Outcome } from '@qrcast/core/outcome';
import { LRUCache } from 'lru-cache';

export interface HostRefusals {
  /**
   * Notes an answer about an instance that had worked. True if it is a refusal and most of its
   * host's answers are refusals now.
   */
  note(host: string, instanceKey: string, outcome: Outcome): boolean;
}

/**
 * Answers older than this do not count. Each watched instance is asked once in 5 s, so all of them
 * answer twice within it.
 */
const MOMENT_MS = 10_000;
/** Fewer refusals than this are no evidence. */
const MANY = 5;
const MAX_HOSTS = 1_000;
/** Of one host. The oldest are forgotten. */
const MAX_INSTANCES = 10_000;

interface Answer {
  readonly at: number;
  readonly isRefused: boolean;
}

interface Host {
  /** By instance, oldest first. */
  readonly answers: Map<string, Answer>;
  /** How many of them are refusals. It is kept up to date, because it is read at every refusal. */
  refused: number;
}

/** `now`: a monotonic clock, ms. */
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
      if (kind === 'trouble') return false; // neither an answer nor a refusal
      const host = recentOf(name);
      const isRefused = kind === 'refused';
      forget(host, instanceKey); // so that it becomes the newest
      host.answers.set(instanceKey, { at: now(), isRefused });
      if (isRefused) host.refused++;
      return isRefused && host.refused >= MANY && host.refused * 2 > host.answers.size;
    },
  };
}
