/** For the test of a day: puts into its log what people, the provider and the tenants' server have. */

import type { TestReceiver } from '@qrcast/runtime/test/receiver';
import type { Instance } from '@qrcast/simulator/instance';
import type { Countable, DayLog, DayTold, LoginLog } from './day-log.ts';
import type { DayLogin } from './day-people.ts';
import type { Heard } from './recording-connections.ts';

const unixMs = (at: number): number => performance.timeOrigin + at;

/** `final`: what the API answers when all is over. */
export async function loginLogOf({ instance, session, createdAt, viewers, tenant, isNotificationLost }: DayLogin): Promise<LoginLog> {
  return {
    sessionId: session.id,
    createdAt,
    isLoggedIn: instance.state() === 'authorized', // the provider says so
    final: await tenant.find(session.id),
    requests: requestsOf(instance),
    viewers: viewers.map(({ transport, heard }, i) => ({ name: `viewer ${i + 1} (${transport})`, told: heard.flatMap(toldIn) })),
    isNotificationLost,
    notifications: instance.deliveries.length,
    notes: [],
  };
}

const requestsOf = ({ requests }: Instance): LoginLog['requests'] =>
  requests.map(({ method, startedAt, endedAt, status }) => ({
    method,
    status,
    startedAt: unixMs(startedAt),
    endedAt: endedAt === null ? null : unixMs(endedAt),
  }));

function toldIn(one: Heard): readonly DayTold[] {
  const at = unixMs(one.at);
  if (one.kind === 'fresh') return [{ at, version: one.version, session: null, staleAt: one.staleAt }];
  if (one.kind !== 'session') return [];
  return [{ at, version: one.session.version, session: one.session, staleAt: one.session.code?.staleAt ?? null }];
}

export interface DayServer extends Pick<DayLog, 'tries' | 'calledBack'> {
  /** How many callbacks it has refused that have not come again. */
  owed(): number;
}

/** The tenants' server refuses the first try of every so many callbacks. */
export function watchServer(receiver: TestReceiver, refusesEvery: number): DayServer {
  const tries: Countable[] = [];
  const calledBack: string[] = [];
  const seen = new Set<string>();
  const owed = new Set<string>();
  receiver.answer(({ id, body, at }) => {
    const { type, data } = JSON.parse(body) as { type: string; data: { session: { id: string } } }; // PROTOCOL.md
    const isRefused = !seen.has(id) && seen.size % refusesEvery === 0;
    seen.add(id);
    tries.push({ name: `${type} ${isRefused ? 'retried' : 'delivered'}`, from: at, to: at });
    if (isRefused) owed.add(id);
    else owed.delete(id);
    if (!isRefused && type === 'session.connected') calledBack.push(data.session.id);
    return isRefused ? 503 : 204;
  });
  return { tries, calledBack, owed: () => owed.size };
}
