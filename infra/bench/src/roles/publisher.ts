/**
 * Makes the changes. It has sessions of its own, and applies provider answers to them as a worker
 * does.
 */

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

function createMethods(releasers: Releasers) {
  const images = createPictures(PICTURES).map((picture) => `data:image/png;base64,${picture}`);
  const sessions: Session[] = [];
  let node: Node | null = null;
  let changes = 0;

  /**
   * Applies a code to the next session, or the same code again if `isFresh`. Resolves to what was
   * sent.
   */
  async function change(isFresh: boolean): Promise<Mark> {
    const index = changes++ % sessions.length;
    const session = sessions[index];
    if (node === null || session === undefined) throw new Error('start first');
    const shown = isFresh && session.state.kind === 'showing' ? session.state.code.digest : null;
    const at = node.clock.now();
    const image = images[changes % PICTURES] ?? '';
    const outcome = { kind: 'code', image, digest: shown ?? `picture-${changes}`, text: null } as const;
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
      const keyring = createKeyring(secretKeys(system));
      const tickets = createTickets({ redis: opened.redis, namespace: nodeOptions(system, '').namespace, keyring, clock: opened.clock });
      const issued: string[] = [];
      await inParallel(count, AT_ONCE, async (index) => {
        const now = opened.clock.now();
        const session = newSession(index, `key-${index}`, now);
        const sealed = sealCredentials(keyring, session.id, { apiUrl, apiToken: apiTokenOf(index) });
        await opened.sessions.create(session, sealed);
        sessions[index] = (await opened.sessions.apply(session.id, { kind: 'watched', at: now }, { remembered: session })) ?? session;
        const claims = {
          tenantId: session.tenantId,
          sessionId: session.id,
          scopes: ['view'],
          origins: [],
          expiresAt: now + LONG_MS,
        } as const;
        issued[index] = (await tickets.issue(claims)).ticket;
      });
      return issued;
    },

    async publish(perSecond: number, seconds: number, isFresh: boolean): Promise<readonly Mark[]> {
      const sent: Promise<Mark>[] = [];
      await pace(perSecond, seconds, () => {
        const one = change(isFresh);
        one.catch(() => undefined); // reported below, once the load has ended
        sent.push(one);
      });
      return Promise.all(sent);
    },
  };
}

serveRole(createMethods);
