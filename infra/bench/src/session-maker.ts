/** Makes watched sessions of the measured system that show a code, with a ticket for each. */

import { createTickets } from '@qrcast/gateway/auth/tickets';
import { sealCredentials } from '@qrcast/runtime/keyring/credentials-vault';
import { createKeyring } from '@qrcast/runtime/keyring/keyring';
import { openNode } from '@qrcast/runtime/node';
import type { Releasers } from '@qrcast/runtime/releasers';
import { inParallel } from './pace.ts';
import { createPictures } from './picture.ts';
import { apiTokenOf } from './seed.ts';
import { LONG_MS, NAMESPACE, newSession, nodeOptions, type System, secretKeys } from './system.ts';

const PICTURES = 64;
const AT_ONCE = 100;
/** There is no worker. */
const NEVER_ASKED = 'http://127.0.0.1:1';

export interface SessionMaker {
  /** Makes so many new sessions. Resolves to the ticket of each. */
  make(count: number): Promise<readonly string[]>;
}

export async function openSessionMaker(system: System, releasers: Releasers): Promise<SessionMaker> {
  const options = nodeOptions(system, 'session-maker');
  // No worker brings the next code, so each stays.
  const node = await openNode({ ...options, policy: { ...options.policy, codeTtlMs: LONG_MS } });
  releasers.push('session maker', () => node.close());
  const { clock, redis, sessions } = node;
  const keyring = createKeyring(secretKeys(system));
  const tickets = createTickets({ redis, namespace: NAMESPACE, keyring, clock });
  const images = createPictures(PICTURES).map((picture) => `data:image/png;base64,${picture}`);
  let made = 0;

  async function makeOne(index: number): Promise<string> {
    const at = clock.now();
    const session = newSession(index, `key-${index}`, at);
    const { id: sessionId, tenantId } = session;
    await sessions.create(session, sealCredentials(keyring, sessionId, { apiUrl: NEVER_ASKED, apiToken: apiTokenOf(index) }));
    await sessions.apply(sessionId, { kind: 'watched', at });
    const outcome = { kind: 'code', image: images[index % PICTURES] ?? '', digest: `picture-${index}`, text: null } as const;
    await sessions.apply(sessionId, { kind: 'answered', at, startedAt: at, jitter: 0, outcome });
    return (await tickets.issue({ tenantId, sessionId, scopes: ['view'], origins: [], expiresAt: at + LONG_MS })).ticket;
  }

  return {
    async make(count) {
      const issued: string[] = [];
      const from = made;
      made += count;
      await inParallel(count, AT_ONCE, async (place) => {
        issued[place] = await makeOne(from + place);
      });
      return issued;
    },
  };
}
