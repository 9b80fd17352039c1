/**
 * Watches the connections of a cluster client. Each master is proven by a write to a key of its own,
 * over the connection that all commands take. One that does not answer is cut: the client then sends
 * its commands again, to the node that has their slots.
 */

import type { Cluster, Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { connectionTo, keyAt, masterOfSlot, type NodeName, slotOf } from './cluster-client.ts';
import { onSilence, type WatchOptions } from './connection-watch.ts';
import { errorWord } from './error-words.ts';

export interface ClusterWatchDeps {
  /** Fields of each log line. */
  readonly label: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly options: WatchOptions;
  /** The masters that the client needs. */
  readonly masters: () => Iterable<NodeName>;
  /** Makes a key of a number, with that number in its hash tag. */
  readonly keyOf: (nth: number) => string;
  /** The proof. */
  readonly write: (key: string) => Promise<unknown>;
  /** Null: the master accepts writes. */
  readonly onWrites: (master: NodeName, refusedWith: string | null) => void;
  /** Called once per outage of a master. */
  readonly onLost?: (reason: string) => void;
}

export interface ClusterWatch {
  /** The first master that is lost, and why in a word. Null: nothing is known against any. */
  lost(): { readonly master: NodeName; readonly reason: string } | null;
  /** Rejects if a master did not take a write. */
  write(): Promise<void>;
  close(): void;
}

interface Outage {
  readonly since: number;
  readonly reason: string;
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: proofs and events of all masters change one map.
export function watchCluster(cluster: Cluster, deps: ClusterWatchDeps): ClusterWatch {
  const { label, log, options } = deps;
  const keys = new Map<NodeName, string>();
  const outages = new Map<NodeName, Outage>();
  const refused = new Set<NodeName>();
  const proving = new Set<NodeName>();
  /** What a connection said last. Commands are sent again, so their own errors say less. */
  const errors = new Map<NodeName, string>();
  let isClosing = false;

  function lost(master: NodeName, reason: string): void {
    if (isClosing || outages.has(master)) return;
    outages.set(master, { since: performance.now(), reason });
    deps.onLost?.(reason);
    log.warn({ ...label, node: master, reason }, 'redis connection lost; reconnecting');
  }

  function back(master: NodeName): void {
    errors.delete(master);
    const outage = outages.get(master);
    if (!outages.delete(master) || outage === undefined) return;
    log.info({ ...label, node: master, lostForMs: Math.round(performance.now() - outage.since) }, 'redis connection is back');
  }

  /** Another node has its slots now. */
  function forget(master: NodeName): void {
    if (outages.delete(master)) log.info({ ...label, node: master }, 'redis node has no slots any more; others serve them');
    if (refused.delete(master)) deps.onWrites(master, null);
    for (const known of [keys, errors]) known.delete(master);
  }

  function keyOf(master: NodeName): string | null {
    const known = keys.get(master);
    const isIts = known !== undefined && masterOfSlot(cluster, slotOf(known)) === master;
    const key = isIts ? known : keyAt(cluster, master, deps.keyOf);
    if (key !== null) keys.set(master, key);
    return key;
  }

  async function prove(master: NodeName): Promise<void> {
    const key = keyOf(master);
    if (key === null || proving.has(master)) return;
    proving.add(master);
    const connection = (): Redis | undefined => connectionTo(cluster, master); // a cut one is replaced
    const stopTimer = onSilence(connection, options.silentMs, () => {
      lost(master, 'no answer');
      connection()?.disconnect();
    });
    try {
      await deps.write(key);
      back(master);
      if (refused.delete(master)) deps.onWrites(master, null);
    } catch (error) {
      onFailedProof(master, errorWord(error));
    } finally {
      stopTimer();
      proving.delete(master);
    }
  }

  function onFailedProof(master: NodeName, word: string | null): void {
    if (word === null) lost(master, errors.get(master) ?? 'no answer');
    else {
      refused.add(master);
      deps.onWrites(master, word);
    }
  }

  function proveAll(): void {
    const masters = new Set(deps.masters());
    for (const known of [...outages.keys(), ...refused, ...keys.keys()]) if (masters.size > 0 && !masters.has(known)) forget(known);
    for (const master of masters) void prove(master);
  }

  cluster.on('error', () => undefined); // no node answers: the proofs find it
  cluster.on('node error', (error: Error & { code?: string }, node: NodeName) => {
    const reason = errorWord(error) ?? error.code;
    if (reason === undefined) return;
    errors.set(node, reason);
    if (keys.has(node)) lost(node, reason);
  });
  const timer = setInterval(proveAll, options.proveEveryMs);
  cluster.on('disconnecting', () => {
    isClosing = true; // its proofs fail now, and that says nothing
  });
  cluster.on('connecting', () => {
    isClosing = false;
  });
  return {
    lost() {
      const [first] = outages;
      return first === undefined ? null : { master: first[0], reason: first[1].reason };
    },
    async write() {
      const masters = [...deps.masters()];
      const proofs = masters.map((master) => deps.write(keyOf(master) ?? deps.keyOf(0)));
      await Promise.all(masters.length === 0 ? [deps.write(deps.keyOf(0))] : proofs);
    },
    close() {
      isClosing = true;
      clearInterval(timer);
      for (const master of refused) deps.onWrites(master, null);
    },
  };
}
