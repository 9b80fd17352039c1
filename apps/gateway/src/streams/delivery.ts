/**
 * Decides what one viewer is sent of one session: the latest state, by credit. At most one message
 * is under way. Newer states replace each other until the sink says that it has gone out; then the
 * newest is sent. So a slow reader has one message kept for it and skips versions, and nobody waits
 * for it. A reader that needs longer than `SEND_WITHIN_MS` for a message is ended.
 */

import type { CloseReason } from '@qrcast/core/close-codes';
import { knownVersion } from '@qrcast/core/known-version';
import { greatestVersion } from '@qrcast/core/renumber';
import { isFinal, isStale, type Session } from '@qrcast/core/session';
import { type Format, type Fresh, owed, toWire, type WireSession } from '@qrcast/core/wire';
import type { Snapshot } from '@qrcast/runtime/sessions/session-codec';

export type ViewerMessage = { readonly kind: 'session'; readonly session: WireSession } | { readonly kind: 'fresh'; readonly fresh: Fresh };

/** The outgoing half of one subscription, whatever the transport. */
export interface Sink {
  /** Calls `sent` once, when the client has the message and another may follow. */
  send(message: ViewerMessage, sent: () => void): void;
  /** The subscription is over; nothing follows. */
  close(reason: CloseReason): void;
}

/**
 * The messages of a state at one moment. Each is made once, for all viewers who are owed the same.
 */
export interface StateMessages {
  readonly session: Session;
  /** That anybody can have been told. */
  readonly greatestVersion: number;
  /** Its code must not be shown any more. The session is about to say so itself. */
  readonly isStale: boolean;
  whole(formats: readonly Format[]): ViewerMessage & { kind: 'session' };
  fresh(staleAt: number): ViewerMessage;
}

export interface Delivery {
  /** Sends what the viewer is owed of this state, unless a message is under way or its code is stale. */
  offer(messages: StateMessages): void;
  /** Idempotent. Nothing is sent after this. */
  close(): void;
}

export interface DeliveryOptions {
  readonly sink: Sink;
  readonly formats: readonly Format[];
  /** The version that the viewer says it has. */
  readonly after: number;
  /** The newest state, as of now; null if there is none. */
  readonly latest: () => StateMessages | null;
  readonly onEnd: (reason: 'done' | 'slow_consumer') => void;
}

export const SEND_WITHIN_MS = 15_000;

export function createStateMessages({ session, image }: Snapshot, viewers: number, now: number): StateMessages {
  const made = new Map<string, ViewerMessage & { kind: 'session' }>();
  let fresh: ViewerMessage | null = null;
  return {
    session,
    greatestVersion: greatestVersion(session, now),
    isStale: isStale(session, now),
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

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one closure: its functions share what was sent and what is under way.
export function createDelivery({ sink, formats, after, latest, onEnd }: DeliveryOptions): Delivery {
  let isOpen = true;
  /** The version that was sent last, over this connection or an earlier one. Null before the first offer. */
  let sentVersion: number | null = null;
  /** Digest of the code that was sent last. Only that code can be confirmed by `fresh`. */
  let sentCode: string | null = null;
  let sending: NodeJS.Timeout | null = null;

  function offer(messages: StateMessages): void {
    if (sending !== null || !isOpen || messages.isStale) return;
    const { session } = messages;
    const code = session.state.kind === 'showing' ? session.state.code : null;
    sentVersion ??= knownVersion(after, messages.greatestVersion);
    const due = owed(session, sentVersion);
    sentVersion = Math.max(sentVersion, session.version);
    // If Redis has lost the code that was sent, the change confirms another one. Then the whole
    // state is owed.
    if (due === 'session' || (due === 'fresh' && sentCode !== (code?.digest ?? null))) {
      sentCode = code?.digest ?? null;
      send(messages.whole(formats));
    } else if (due === 'fresh' && code !== null) {
      send(messages.fresh(code.staleAt));
    } else if (isFinal(session)) {
      end('done');
    }
  }

  function send(message: ViewerMessage): void {
    const timer = setTimeout(() => end('slow_consumer'), SEND_WITHIN_MS);
    sending = timer;
    sink.send(message, () => {
      if (sending !== timer) return; // called twice, or for an earlier message
      clearTimeout(timer);
      sending = null;
      const newest = latest();
      if (newest !== null) offer(newest);
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
