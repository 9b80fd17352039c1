/**
 * For tests of upgrades: people who are somewhere in a login while processes are replaced, what they
 * may be told, and what the tenant reads about their login afterwards.
 */

import type { WireSession } from '@qrcast/core/wire';
import type { Releasers } from '@qrcast/runtime/releasers';
import { type OfferedLogin, offerLogin, untilEach } from './offered-login.ts';
import type { RollingStage } from './rolling-stage.ts';

/** Where a login can stand for as long as a replacement takes. */
export const STANDING = ['waiting', 'showing', 'password'] as const;
export type Standing = (typeof STANDING)[number];

export interface StandingLogin extends OfferedLogin {
  readonly standing: Standing;
}

const PASSWORD = 'correct horse';

/** Resolves when all its viewers are told where the login stands. */
export async function openLogin(stage: RollingStage, standing: Standing, releasers: Releasers): Promise<StandingLogin> {
  const instance = stage.newInstance();
  if (standing === 'waiting') instance.setState('starting');
  const login = await offerLogin(stage, releasers, instance, standing === 'waiting' ? 'waiting' : 'showing');
  if (standing === 'password') {
    instance.scanWithPassword(PASSWORD);
    await untilEach([login], ({ state }) => state === 'password');
  }
  return { ...login, standing };
}

/** Resolves when all viewers are told of the login. */
export async function finishLogin({ url }: Pick<RollingStage, 'url'>, login: StandingLogin): Promise<void> {
  const { instance, standing, ticket } = login;
  if (standing === 'waiting') {
    instance.setState('notAuthorized');
    await untilEach([login], ({ state }) => state === 'showing');
  }
  if (standing === 'password') await givePassword(url, ticket);
  else instance.scan();
  await untilEach([login], ({ state }) => state === 'connected');
}

async function givePassword(url: string, ticket: string): Promise<void> {
  const response = await fetch(`${url}/v1/sessions/self/password`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ticket}`, 'content-type': 'application/json' },
    body: JSON.stringify({ password: PASSWORD }),
  });
  if (!response.ok) throw new Error(`the password was refused: ${await response.text()}`);
}

export function idOf({ viewers }: StandingLogin): string {
  const id = viewers[0]?.last()?.id;
  if (id === undefined) throw new Error('its first viewer was told nothing');
  return id;
}

const STATES: Readonly<Record<Standing, readonly WireSession['state'][]>> = {
  waiting: ['waiting', 'showing', 'connected'],
  showing: ['waiting', 'showing', 'connected'],
  password: ['waiting', 'showing', 'password', 'connected'],
};
const NOTICES: Readonly<Record<Standing, readonly string[]>> = {
  waiting: ['instance_starting', 'provider_not_ready'],
  showing: [],
  password: ['login_finishing'],
};

/** Each state that a viewer is not told if nothing is upgraded. */
export function strangeStates(standing: Standing, sessions: readonly WireSession[]): readonly string[] {
  return sessions.flatMap(({ state, notice, end }, i) => {
    const isUsual = STATES[standing].includes(state) || (state === 'idle' && i === 0); // the first viewer of all has just come
    const isToldWhy = notice === null || NOTICES[standing].includes(notice.code);
    return isUsual && isToldWhy ? [] : [`${state} ${notice?.code ?? ''} ${end?.reason ?? ''}`];
  });
}

export interface History {
  /** Whether all of it is written: the audit knows of the login, and all callbacks were delivered. */
  readonly isWhole: boolean;
  readonly session: WireSession;
  readonly changes: readonly object[];
  readonly audit: readonly object[];
  readonly callbacks: readonly object[];
}

/** What the tenant reads about a login that is over, without what may still change. */
export async function historyOf({ read }: Pick<RollingStage, 'read'>, sessionId: string): Promise<History> {
  const { session } = (await read(`/v1/sessions/${sessionId}`)) as { session: WireSession }; // PROTOCOL.md, as all below
  const { entries } = (await read(`/v1/sessions/${sessionId}/timeline`)) as { entries: readonly { kind: string }[] };
  const audit = (await read(`/v1/audit?sessionId=${sessionId}`)) as { entries: readonly AuditEntry[] };
  const called = (await read('/v1/callbacks?limit=100')) as { callbacks: readonly WireCallback[] };
  const callbacks = called.callbacks.filter((one) => one.sessionId === sessionId);
  return {
    isWhole:
      audit.entries.some(({ action }) => action === 'session.connected') &&
      callbacks.some(({ type }) => type === 'session.connected') &&
      callbacks.every(({ state }) => state === 'delivered'),
    session: { ...session, viewers: 0, serverNow: 0 },
    changes: entries.filter(({ kind }) => kind === 'change'), // gateways add what they sent for another minute
    audit: audit.entries.filter(({ action, actor }) => action !== 'session.watched' || actor.kind !== 'key'), // this reading counts as one
    callbacks,
  };
}

interface AuditEntry {
  readonly action: string;
  readonly actor: { readonly kind: string };
}

interface WireCallback {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly sessionId: string | null;
}

/** How many attempts began, and how many of them came to the step, as the statistics say. */
export async function countedSteps({ read }: Pick<RollingStage, 'read'>): Promise<Record<'attempts' | 'password' | 'connected', number>> {
  const { hours } = (await read('/v1/statistics')) as { hours: readonly { attempts: number; steps: Record<string, number> }[] };
  const sum = (count: (hour: (typeof hours)[number]) => number): number => hours.reduce((all, hour) => all + count(hour), 0);
  return {
    attempts: sum(({ attempts }) => attempts),
    password: sum(({ steps }) => steps['password'] ?? 0),
    connected: sum(({ steps }) => steps['connected'] ?? 0),
  };
}
