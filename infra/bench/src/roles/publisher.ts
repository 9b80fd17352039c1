/**
 * Makes the changes. It has sessions of its own, and applies provider answers to them as a worker
 * does.
 */

import type { Outcome } from '@qrcast/core/outcome';
import type { Session } from '@qrcast/core/session';
import { createTickets } from '@qrcast/gateway/auth/tickets';
import { sealCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { type Node, openNode } from '@qrcast/runtime/node';
import type { Releasers } from '@qrcast/runtime/releasers';
import type { Mark } from '../deliveries.ts';
import { monotonicMs } from '../measure.ts';
import { inParallel, pace } from '../pace.ts';
import { createPictures } from '../picture.ts';
import { serveRole } from '../role-process.ts';
import { apiTokenOf } from '../seed.ts';
import { LONG_MS, newSession, nodeOptions, type System, secretKeys } from '../system.ts';

const PICTURES = 64;
const AT_ONCE = 100;

export type PublisherMethods = ReturnType<typeof createMethods>;

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: a method for each call of the benchmark, over one node and its sessions.
function createMethods(releasers: Releasers) {
  const images = createPictures(PICTURES).map((picture) => `data:image/png;base64,${picture}`);
  let sessions: Session[] = [];
  let node: Node | null = null;
  let changes = 0;

  /**
   * Applies a code to the next session, or the same code again if `isFresh`. Resolves to what was
   * sent.
   */
  function change(isFresh: boolean, among: number): Promise<Mark> {
    const index = changes++ % among;
    const state = sessions[index]?.state;
    const shown = isFresh && state?.kind === 'showing' ? state.code.digest : null;
    return apply(index, { kind: 'code', image: images[changes % PICTURES] ?? '', digest: shown ?? `picture-${changes}`, text: null });
  }

  async function apply(index: number, outcome: Outcome): Promise<Mark> {
    const session = sessions[index];
    if (node === null || session === undefined) throw new Error('start first');
    const at = node.clock.now();
    const sentAt = monotonicMs();
    const after = await node.sessions.apply(
      session.id,
      { kind: 'answered', at, startedAt: at, jitter: 0, outcome },
      { remembered: session },
    );
    if (after === null) throw new Error('a session is gone');
    sessions[index] = after;
    return [index, after.version, sentAt];
  }

  return {
    /** Resolves to a ticket for each session. @param apiUrl the provider that a worker would ask */
    async start(system: System, count: number, apiUrl: string): Promise<readonly string[]> {
      const opened = await openNode(nodeOptions(system, 'publisher'));
      releasers.push('node', () => opened.close());
      node = opened;
      const created = await createWatched(opened, system, count, apiUrl);
      sessions = created.sessions;
      return created.tickets;
    },

    /** @param among the first so many sessions; all if left out */
    async publish(perSecond: number, seconds: number, isFresh: boolean, among = sessions.length): Promise<readonly Mark[]> {
      const sent: Promise<Mark>[] = [];
      await pace(perSecond, seconds, () => {
        const one = change(isFresh, among);
        one.catch(() => undefined); // reported below, once the load has ended
        sent.push(one);
      });
      return Promise.all(sent);
    },

    /** Links every session. Resolves to what was sent. */
    async link(): Promise<readonly Mark[]> {
      const sent: Mark[] = [];
      await inParallel(sessions.length, AT_ONCE, async (index) => {
        sent.push(await apply(index, { kind: 'authorized', account: null }));
      });
      return sent;
    },
  };
}

interface Watched {
  readonly sessions: Session[];
  /** One for each session, in the same order. */
  readonly tickets: readonly string[];
}

async function createWatched({ redis, clock, sessions }: Node, system: System, count: number, apiUrl: string): Promise<Watched> {
  const keyring = createKeyring(secretKeys(system));
  const tickets = createTickets({ redis, namespace: nodeOptions(system, '').namespace, keyring, clock });
  const created: Session[] = [];
  const issued: string[] = [];
  await inParallel(count, AT_ONCE, async (index) => {
    const now = clock.now();
    const session = newSession(index, `key-${index}`, now);
    await sessions.create(session, sealCredentials(keyring, session.id, { apiUrl, apiToken: apiTokenOf(index) }));
    created[index] = (await sessions.apply(session.id, { kind: 'watched', at: now }, { remembered: session })) ?? session;
    const { id: sessionId, tenantId } = session;
    issued[index] = (await tickets.issue({ tenantId, sessionId, scopes: ['view'], origins: [], expiresAt: now + LONG_MS })).ticket;
  });
  return { sessions: created, tickets: issued };
}

serveRole(createMethods);
