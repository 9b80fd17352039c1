/** For tests: sessions that one process watches while another one changes them. */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Session } from '@qrcast/core/session';
import type { Node } from '../src/node.ts';
import { sampleSession } from './runtime.ts';

export interface WatchedSessions {
  readonly ids: readonly string[];
  /** Gives each session a new code. Resolves when every watcher was told. */
  rotate(ids?: readonly string[]): Promise<void>;
  close(): void;
}

/** @param count of sessions */
export async function watchSessions(writer: Node, reader: Node, count: number): Promise<WatchedSessions> {
  const told = new Map<string, number>();
  const ids = Array.from({ length: count }, () => sampleSession().id);
  for (const id of ids) await writer.sessions.create(sampleSession({ id }), 'sealed');
  const watches = ids.map((id) => reader.sessions.watch(id, ({ session }) => note(session)));
  await Promise.all(watches.map(({ first }) => first));

  /** No version comes twice, and none is older. */
  function note({ id, version }: Pick<Session, 'id' | 'version'>): void {
    if (version <= (told.get(id) ?? 0)) throw new Error(`version ${version} was told after ${told.get(id)}`);
    told.set(id, version);
  }

  /** Tries again while Redis is out. */
  async function change(id: string): Promise<Session> {
    for (;;) {
      const at = writer.clock.now();
      const outcome = { kind: 'code', digest: randomUUID(), image: 'data:image/png;base64,AAAA', text: null } as const;
      const changed = await writer.sessions.apply(id, { kind: 'answered', at, startedAt: at, jitter: 0, outcome }).catch(() => null);
      if (changed !== null) return changed;
      await delay(5);
    }
  }

  return {
    ids,
    async rotate(some = ids) {
      const changed = await Promise.all(some.map(change));
      for (const { id, version } of changed) while ((told.get(id) ?? 0) < version) await delay(5);
    },
    close() {
      for (const watch of watches) watch.close();
    },
  };
}
