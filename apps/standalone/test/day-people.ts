/**
 * For the test of a day: people who log in, each with viewers over one transport or several. They act
 * as people do: they scan what they are shown, and try again if they may.
 */

import type { WireSession } from '@qrcast/core/wire';
import type { Instance } from '@qrcast/simulator/instance';
import type { DayTenant } from './day-calls.ts';
import type { DayStage } from './day-stage.ts';
import { isFinal, type RecordingClient, TRANSPORTS } from './recording-client.ts';

export interface DayLogin {
  readonly tenant: DayTenant;
  readonly instance: Instance;
  readonly session: WireSession;
  /** When the session was there, Unix ms. */
  readonly createdAt: number;
  readonly viewers: readonly RecordingClient[];
  readonly isNotificationLost: boolean;
}

export interface Beginning {
  readonly tenant?: DayTenant;
  /** Before the session is created. */
  readonly prepare?: (instance: Instance) => void;
  readonly isNotificationLost?: boolean;
}

export interface DayPeople {
  readonly logins: readonly DayLogin[];
  /** Resolves once the viewers are on their way. */
  begin(beginning?: Beginning): Promise<DayLogin>;
  /** Resolves once a viewer was told a state that fits. An attempt that has ended is resumed if it may be. */
  until(login: DayLogin, fits: (session: WireSession) => boolean): Promise<void>;
  /** Shows a code, is scanned, and is connected at each viewer. */
  logIn(beginning?: Beginning): Promise<void>;
  /** Scans the code. Resolves once every viewer is connected. */
  scan(login: DayLogin): Promise<void>;
  /** Resolves once every viewer is connected, after a scan. */
  untilConnected(login: DayLogin): Promise<void>;
  /** As `logIn`, with the password of the account. */
  logInWithPassword(beginning?: Beginning): Promise<void>;
}

/** Every fifth login has a viewer over each transport. The others have one. */
const ALL_TRANSPORTS_EVERY = 5;
const LOST = 1_000;
const PASSWORD = 'correct horse battery staple';

export const isShowing = ({ state }: WireSession): boolean => state === 'showing';
export const isConnected = ({ state }: WireSession): boolean => state === 'connected';

// One closure: its methods share the logins of the day.
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: what a person can do.
export function createPeople(stage: DayStage, tenants: readonly DayTenant[]): DayPeople {
  const logins: DayLogin[] = [];
  let begun = 0;

  async function begin({ tenant, prepare, isNotificationLost = false }: Beginning = {}): Promise<DayLogin> {
    const number = begun++;
    const chosen = tenant ?? tenants[number % tenants.length] ?? noTenant();
    const gateway = stage.gatewayUp();
    const instance = stage.simulator.createInstance({ webhook: chosen.webhook(gateway) });
    if (isNotificationLost) instance.loseWebhooks(LOST);
    prepare?.(instance);
    const { session, ticket } = await chosen.create(instance, gateway);
    const createdAt = performance.timeOrigin + performance.now();
    const transports = number % ALL_TRANSPORTS_EVERY === 0 ? TRANSPORTS : [TRANSPORTS[number % TRANSPORTS.length] ?? 'sse'];
    const viewers = transports.map((transport) => stage.watch(ticket, transport, gateway));
    const login = { tenant: chosen, instance, session, createdAt, viewers, isNotificationLost };
    logins.push(login);
    return login;
  }

  async function until({ tenant, session, viewers }: DayLogin, fits: (told: WireSession) => boolean): Promise<void> {
    const [first] = viewers;
    for (let resumed = 0; first !== undefined; ) {
      const told = await first.until((one) => fits(one) || (one.end?.resumable === true && one.version > resumed));
      if (fits(told)) return;
      resumed = told.version;
      await tenant.resume(session.id);
    }
  }

  async function untilConnected(login: DayLogin): Promise<void> {
    await until(login, isFinal);
    await Promise.all(login.viewers.map((viewer) => viewer.until(isConnected)));
  }

  async function scan(login: DayLogin): Promise<void> {
    login.instance.scan();
    await untilConnected(login);
  }

  return {
    logins,
    begin,
    until,
    untilConnected,
    scan,
    async logIn(beginning) {
      const login = await begin(beginning);
      await until(login, isShowing);
      await scan(login);
    },
    async logInWithPassword(beginning) {
      const login = await begin(beginning);
      await until(login, isShowing);
      login.instance.scanWithPassword(PASSWORD);
      await until(login, ({ state }) => state === 'password');
      await login.tenant.sendPassword(login.session.id, PASSWORD);
      await untilConnected(login);
    },
  };
}

/** Runs `one` so often, and so many at once. */
export async function crowd(count: number, atOnce: number, one: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

function noTenant(): never {
  throw new Error('a day needs a tenant');
}
