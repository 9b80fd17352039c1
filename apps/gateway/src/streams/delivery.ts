/**
 * What one viewer is told of one session: latest wins, by credit. At most one message is under way. While it is, newer states replace each
 * other; when the sink says it has gone out, the newest is sent. So a slow reader holds one message and skips versions, and nobody waits
 * for it. One that needs longer than `SEND_WITHIN_MS` for a message is ended.
 */

import type { CloseReason } from '@qrcast/core/close-codes';
import { isFinal, type Session } from '@qrcast/core/session';
import { type Format, type Fresh, owed, toWire, type WireSession } from '@qrcast/core/wire';
import type { Snapshot } from '@qrcast/runtime/sessions/session-codec';

export type ViewerMessage = { readonly kind: 'session'; readonly session: WireSession } | { readonly kind: 'fresh'; readonly fresh: Fresh };

/** The outgoing half of one subscription, whatever the transport. */
export interface Sink {
  /** `sent` is to be called once, when the message has left for good and another may follow. */
  send(message: ViewerMessage, sent: () => void): void;
  /** The subscription is over; nothing follows. */
  close(reason: CloseReason): void;
}

/** A state at a moment, and its messages: one object for all viewers who are owed the same. */
export interface Telling {
  readonly session: Session;
  whole(formats: readonly Format[]): ViewerMessage & { kind: 'session' };
  fresh(staleAt: number): ViewerMessage;
}

export interface Delivery {
  /** Sends what of it the viewer is owed, unless a message is under way. */
  offer(telling: Telling): void;
  /** Idempotent; nothing is sent after it. */
  close(): void;
}

export interface DeliveryOptions {
  readonly sink: Sink;
  readonly formats: readonly Format[];
  /** The version the viewer has. */
  readonly after: number;
  /** The newest state, told now; null if there is none. */
  readonly latest: () => Telling | null;
  readonly onEnd: (reason: 'done' | 'slow_consumer') => void;
}

export const SEND_WITHIN_MS = 15_000;

export function createTelling({ session, image }: Snapshot, viewers: number, now: number): Telling {
  const made = new Map<string, ViewerMessage & { kind: 'session' }>();
  let fresh: ViewerMessage | null = null;
  return {
    session,
    whole(formats) {
      const key = formats.join();
      const known = made.get(key);
      if (known !== undefined) return known;
      const message = { kind: 'session', session: toWire(session, { image, viewers, now, formats }) } as const;
      made.set(key, message);
      return message;
    },
    fresh(staleAt) {
      fresh ??= { kind: 'fresh', fresh: { id: session.id, version: session.version, staleAt } };
      return fresh;
    },
  };
}

export function createDelivery({ sink, formats, after, latest, onEnd }: DeliveryOptions): Delivery {
  let isOpen = true;
  /** Version it was told last. */
  let told = after;
  /** The code it was shown last: only that one can be confirmed by `fresh`. */
  let shown: string | null = null;
  let sending: NodeJS.Timeout | null = null;

  function offer(telling: Telling): void {
    if (sending !== null || !isOpen) return;
    const { session } = telling;
    const code = session.state.kind === 'showing' ? session.state.code : null;
    const debt = owed(session, told);
    told = Math.max(told, session.version);
    // A Redis that lost its last writes can bring another code under a version that counts as told: then the whole state is owed.
    if (debt === 'session' || (debt === 'fresh' && shown !== (code?.digest ?? null))) {
      shown = code?.digest ?? null;
      send(telling.whole(formats));
    } else if (debt === 'fresh' && code !== null) {
      send(telling.fresh(code.staleAt));
    } else if (isFinal(session)) {
      end('done');
    }
  }

  function send(message: ViewerMessage): void {
    const timer = setTimeout(() => end('slow_consumer'), SEND_WITHIN_MS);
    sending = timer;
    sink.send(message, () => {
      if (sending !== timer) return; // of another message, or said twice
      clearTimeout(timer);
      sending = null;
      const telling = latest();
      if (telling !== null) offer(telling);
    });
  }

  function end(reason: 'done' | 'slow_consumer'): void {
    if (isOpen) onEnd(reason);
  }

  return {
    offer,
    close() {
      isOpen = false;
      if (sending !== null) clearTimeout(sending);
      sending = null;
    },
  };
}
