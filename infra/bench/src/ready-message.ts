/**
 * What the rivals publish: messages made in advance, as large as those of qrcast. They have no
 * record behind them, no compare-and-set and no order.
 */

import type { Session } from '@qrcast/core/session';
import { type Fresh, toWire, type WireSession } from '@qrcast/core/wire';
import type { Mark } from './deliveries.ts';
import { monotonicMs } from './measure.ts';
import { pace } from './pace.ts';
import { createPictures } from './picture.ts';
import { newSession } from './system.ts';

const PICTURES = 64;

export interface ReadyMessages {
  state(version: number): WireSession;
  /** The JSON of it, joined of ready-made parts. */
  stateText(version: number): string;
  fresh(version: number): Fresh;
}

/** @returns messages that name one session, whoever gets them */
export function createReadyMessages(): ReadyMessages {
  const now = Date.now();
  const session = newSession(0, 'key-0', now);
  const states = createPictures(PICTURES).map((picture) => createState(session, picture, now));
  const texts = states.map((state) => JSON.stringify(state).split(/(?<="version":)1(?=,)/));
  return {
    state: (version) => ({ ...(states[version % PICTURES] as WireSession), version }), // the index is within the array
    stateText(version) {
      const [before = '', after = ''] = texts[version % PICTURES] ?? [];
      return `${before}${version}${after}`;
    },
    fresh: (version) => ({ id: session.id, version, staleAt: now }),
  };
}

function createState(session: Session, picture: string, now: number): WireSession {
  const code = { digest: 'picture', text: null, issuedAt: now, staleAt: now };
  const image = `data:image/png;base64,${picture}`;
  return toWire({ ...session, state: { kind: 'showing', code, notice: null } }, { image, viewers: 1, now });
}

export type Publish = (perSecond: number, seconds: number, isFresh: boolean) => Promise<readonly Mark[]>;

/** @param send publishes the message of this version to the session with this index. It does not wait. */
export function createPublish(sessions: number, send: (index: number, version: number, isFresh: boolean) => void): Publish {
  let version = 0;
  return async (perSecond, seconds, isFresh) => {
    const sent: Mark[] = [];
    await pace(perSecond, seconds, () => {
      const index = ++version % sessions;
      sent.push([index, version, monotonicMs()]);
      send(index, version, isFresh);
    });
    return sent;
  };
}

/** Before `start`. */
export const cannotPublish: Publish = () => Promise.reject(new Error('start first'));
