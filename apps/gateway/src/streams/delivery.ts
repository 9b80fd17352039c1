/**
 * Decides what one viewer is sent of one session: the latest state, by credit. At most `WINDOW`
 * messages are unread. With so many, newer states replace each other until the sink says that one
 * was read; then the newest is sent. So a slow reader has that many messages kept for it and skips
 * versions, and nobody waits for it. A reader that needs longer than `SEND_WITHIN_MS` for a message
 * is ended.
 *
 * The bound: a send needs fewer than `WINDOW` unread messages and adds one, and only its `sent` takes
 * it away. A connection with many subscriptions has room for `CONNECTION_WINDOW` messages, and for
 * one more of each subscription that has none unread. Nothing is stuck: a sink finds out what was
 * read when fewer than `WINDOW` messages are unread, and after a while in any case
 * (transports/websocket-credit.ts).
 */

import type { CloseReason } from '@qrcast/core/close-codes';
import { knownVersion } from '@qrcast/core/known-version';
import { greatestVersion } from '@qrcast/core/renumber';
import { isFinal, isStale } from '@qrcast/core/session';
import type { SessionFacts } from '@qrcast/core/session-facts';
import { type Format, type Fresh, owed } from '@qrcast/core/wire';
import type { Transport } from '@qrcast/runtime/metrics/metrics-gateway';
import type { WatchedState } from '@qrcast/runtime/sessions/published-state';
import { createSessionMessage, type SessionMessage } from './session-message.ts';
import type { StreamMeters } from './stream-meters.ts';

export type ViewerMessage = SessionMessage | { readonly kind: 'fresh'; readonly fresh: Fresh };

/** The outgoing half of one subscription, whatever the transport. */
export interface Sink {
  readonly transport: Transport;
  /**
   * Calls `sent` once when the client has the message, in the order of the messages. It may be the
   * same function for all of them. `isAwaited`: nothing will follow that would tell it, so find out
   * now.
   */
  send(message: ViewerMessage, sent: () => void, isAwaited: boolean): void;
  /**
   * Whether a subscription may have more than one message unread. One connection may have many. If
   * not, it finds out soon what was read.
   */
  hasRoom(): boolean;
  /**
   * When the client was asked what it has read, by `performance.now()`. Infinity while it is not
   * being asked. 0 if it cannot be asked: its time for a message then counts from the message.
   */
  askedAt(): number;
  /** The subscription is over; nothing follows. */
  close(reason: CloseReason): void;
}

/**
 * The messages of a state at one moment. Each is made once, for all viewers who are owed the same.
 */
export interface StateMessages {
  readonly session: SessionFacts;
  /** That anybody can have been told. */
  readonly greatestVersion: number;
  /** Its code must not be shown any more. The session is about to say so itself. */
  readonly isStale: boolean;
  /** How old what they tell is by then (`performance.now()`). Null if nobody waits for it: a viewer that joins. */
  readonly age: Age | null;
  whole(formats: readonly Format[]): SessionMessage;
  fresh(staleAt: number): ViewerMessage;
}

interface Age {
  readonly at: number;
  /** Of the change that viewers are told whole, and of the one that only renews the code. */
  readonly sessionMs: number;
  readonly freshMs: number;
}

export interface Delivery {
  /** Sends what the viewer is owed of this state, unless too much is unread or its code is stale. */
  offer(messages: StateMessages): void;
  /** Ends a viewer that needs too long for a message. To be called about once a second. */
  endIfSlow(now: number): void;
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
  readonly meters: Pick<StreamMeters, 'sent' | 'superseded'>;
}

export const SEND_WITHIN_MS = 15_000;
/**
 * One message has the picture, some 3 kB. With one unread at a time each message cost a ping and its
 * pong, which was a quarter of a gateway's work.
 */
export const WINDOW = 8;
/** Messages unread on one connection, beyond which each subscription may have one. */
export const CONNECTION_WINDOW = 32;

/** @param codeTtlMs how long a code may be shown; null: nobody waits for these messages */
export function createStateMessages(state: WatchedState, viewers: number, now: number, codeTtlMs: number | null = null): StateMessages {
  const { session } = state;
  /** By the formats. Most viewers want all. */
  const made = new Map<string, SessionMessage>();
  let fresh: ViewerMessage | null = null;
  return {
    session,
    greatestVersion: greatestVersion(session, now),
    isStale: isStale(session, now),
    age: codeTtlMs === null ? null : ageOf(session, now, codeTtlMs),
    whole(formats) {
      const key = formats.toSorted().join();
      const known = made.get(key);
      if (known !== undefined) return known;
      const message = createSessionMessage(state, viewers, now, formats);
      made.set(key, message);
      return message;
    },
    fresh(staleAt) {
      fresh ??= { kind: 'fresh', fresh: { id: session.id, version: session.version, staleAt } };
      return fresh;
    },
  };
}

/** The version of a change that is told is its time since the session was created (renumber.ts in core). */
function ageOf({ createdAt, toldVersion, state }: SessionFacts, now: number, codeTtlMs: number): Age {
  const sessionMs = Math.max(0, now - createdAt - toldVersion);
  const freshMs = state.kind === 'showing' ? Math.max(0, now - (state.code.staleAt - codeTtlMs)) : sessionMs;
  return { at: performance.now(), sessionMs, freshMs };
}

export const createDelivery = (options: DeliveryOptions): Delivery => new OneDelivery(options);

/** A class, because a gateway has one for each viewer: closures would take three times the memory. */
class OneDelivery implements Delivery {
  readonly #options: DeliveryOptions;
  #isOpen = true;
  /** The version that was sent last, over this connection or an earlier one. Null before the first offer. */
  #sentVersion: number | null = null;
  /** Digest of the code that was sent last. Only that code can be confirmed by `fresh`. */
  #sentCode: string | null = null;
  /** When each message was sent that is not read yet, the oldest first. They are read in this order. */
  readonly #unread: number[] = [];
  /** The newest state has something for this viewer, or ends it, once messages were read. */
  #isOwed = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  offer(messages: StateMessages): void {
    if (!this.#isOpen || messages.isStale) return;
    const { sink, formats, after, meters } = this.#options;
    const unread = this.#unread.length;
    const wasOwed = this.#isOwed;
    this.#isOwed = unread >= WINDOW || (unread > 0 && !sink.hasRoom());
    if (this.#isOwed) {
      if (wasOwed) meters.superseded.add();
      return;
    }
    const { session } = messages;
    const code = session.state.kind === 'showing' ? session.state.code : null;
    this.#sentVersion ??= knownVersion(after, messages.greatestVersion);
    const due = owed(session, this.#sentVersion);
    this.#sentVersion = Math.max(this.#sentVersion, session.version);
    const isLast = isFinal(session);
    this.#isOwed = isLast; // `done`, when all was read
    // If Redis has lost the code that was sent, the change confirms another one. Then the whole
    // state is owed.
    if (due === 'session' || (due === 'fresh' && this.#sentCode !== (code?.digest ?? null))) {
      this.#sentCode = code?.digest ?? null;
      this.#send(messages.whole(formats), messages.age, due, isLast);
    } else if (due === 'fresh' && code !== null) {
      this.#send(messages.fresh(code.staleAt), messages.age, due, isLast);
    } else if (isLast && unread === 0) {
      this.#end('done');
    }
  }

  endIfSlow(now: number): void {
    const [oldest] = this.#unread;
    if (oldest !== undefined && now - Math.max(oldest, this.#options.sink.askedAt()) >= SEND_WITHIN_MS) this.#end('slow_consumer');
  }

  close(): void {
    this.#isOpen = false;
    this.#unread.length = 0;
  }

  /** `due`: the change that it tells; a whole state may only renew the code. */
  #send(message: ViewerMessage, age: Age | null, due: 'session' | 'fresh', isAwaited: boolean): void {
    const { sink, meters } = this.#options;
    const now = performance.now();
    this.#unread.push(now);
    sink.send(message, this.#sent, isAwaited);
    meters.sent(sink.transport, message.kind, age === null ? null : now - age.at + (due === 'fresh' ? age.freshMs : age.sessionMs));
  }

  /** One for all messages: a closure for each would live until its pong comes. */
  readonly #sent = (): void => {
    this.#unread.shift();
    const newest = this.#isOwed ? this.#options.latest() : null;
    if (newest !== null) this.offer(newest);
  };

  #end(reason: 'done' | 'slow_consumer'): void {
    if (this.#isOpen) this.#options.onEnd(reason);
  }
}
