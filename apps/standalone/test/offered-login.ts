/**
 * For tests of deploys: sessions that people log in to, each with a viewer over each transport, and what
 * was told and asked of them.
 */

import type { WireSession } from '@qrcast/core/wire';
import type { Releasers } from '@qrcast/runtime/releasers';
import type { Instance } from '@qrcast/simulator/instance';
import type { SessionLog, Told } from '../chaos/checker.ts';
import { openRecordingClient, type RecordingClient, TRANSPORTS } from './recording-client.ts';
import type { RollingStage } from './rolling-stage.ts';

/** A session that somebody logs in to while viewers watch it. */
export interface OfferedLogin {
  readonly instance: Instance;
  readonly ticket: string;
  readonly createdAt: number;
  readonly viewers: readonly RecordingClient[];
}

/** Resolves when its viewers, one over each transport, are told the state: by default, when they see its code. */
export async function offerLogin(
  stage: RollingStage,
  releasers: Releasers,
  instance = stage.newInstance(),
  first: WireSession['state'] = 'showing',
): Promise<OfferedLogin> {
  const ticket = await stage.createSession(instance);
  const createdAt = now();
  const viewers = TRANSPORTS.map((transport) => openRecordingClient({ transport, ticket, urls: [stage.url] }));
  for (const viewer of viewers) releasers.push('viewer', () => viewer.close());
  await untilEach([{ viewers }], ({ state }) => state === first);
  return { instance, ticket, createdAt, viewers };
}

type Watched = Pick<OfferedLogin, 'viewers'>;

/** Resolves when each viewer was told a state that fits. */
export async function untilEach(logins: readonly Watched[], fits: (session: WireSession) => boolean): Promise<void> {
  await Promise.all(logins.flatMap(({ viewers }) => viewers.map(({ until }) => until(fits))));
}

/** Resolves when each viewer was told a code that was issued from now on, in a state that fits. */
export function untilNewCode(logins: readonly Watched[], fits: (session: WireSession) => boolean = () => true): Promise<void> {
  const since = Date.now();
  return untilEach(logins, (session) => session.code !== null && session.code.issuedAt >= since && fits(session));
}

/** What the checker of the chaos suite judges. `final`: what the API answers now. */
export async function logOf({ url }: RollingStage, { instance, ticket, createdAt, viewers }: OfferedLogin): Promise<SessionLog> {
  const response = await fetch(`${url}/v1/sessions/self`, { headers: { authorization: `Bearer ${ticket}` } });
  const { session } = (await response.json()) as { session: WireSession }; // PROTOCOL.md
  return {
    sessionId: session.id,
    createdAt,
    isLoggedIn: true,
    final: session,
    requests: instance.requests.map(({ method, startedAt, endedAt }) => ({
      method,
      startedAt: unixMs(startedAt),
      endedAt: endedAt === null ? null : unixMs(endedAt),
    })),
    viewers: viewers.map(({ transport, heard }) => ({
      name: transport,
      told: heard.flatMap((one): Told[] => {
        if (one.kind === 'session') return [{ at: unixMs(one.at), version: one.session.version, session: one.session }];
        return one.kind === 'fresh' ? [{ at: unixMs(one.at), version: one.version, session: null }] : [];
      }),
    })),
    notes: [],
  };
}

const unixMs = (at: number): number => performance.timeOrigin + at;
const now = (): number => unixMs(performance.now());
