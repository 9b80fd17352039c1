/**
 * One session that viewers of this gateway watch: its newest state, the viewers here, and how many
 * there are over all gateways. What each viewer is sent, and when, is decided by its delivery.
 */

import type { CloseReason } from '@qrcast/core/close-codes';
import { knownVersion } from '@qrcast/core/known-version';
import type { Policy } from '@qrcast/core/schedule';
import { isPolled } from '@qrcast/core/session';
import { ALL_FORMATS, type Format, type WireSession } from '@qrcast/core/wire';
import { errorFields, type Logger } from '@qrcast/runtime/log';
import type { Clock } from '@qrcast/runtime/redis/clock';
import { changeOf, type WatchedState } from '@qrcast/runtime/sessions/published-state';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import { beginApart, beginBelow, type SpanAttributes } from '@qrcast/runtime/tracing/tracing';
import type { Principal } from '../auth/auth.ts';
import type { ViewerCounts } from '../sessions/visible-viewers.ts';
import type { Watching } from '../sessions/watching.ts';
import { createDelivery, createStateMessages, type Delivery, type Sink, type StateMessages } from './delivery.ts';
import { DeliveryNotes } from './delivery-notes.ts';
import { createFanOut } from './fan-out.ts';
import { NewestState } from './newest-state.ts';
import type { StreamMeters } from './stream-meters.ts';

export interface Subscribe {
  readonly sessionId: string;
  /** Who watches. One connection may have tickets of several tenants. */
  readonly by: Principal;
  readonly sink: Sink;
  readonly formats?: readonly Format[] | undefined;
  /** The version that the viewer has. An equal or older state is not sent. */
  readonly after?: number | undefined;
  /** Whether it counts as watching from the start; a hidden tab does not. */
  readonly isVisible?: boolean;
}

export interface Subscription {
  /**
   * The state at the start, as it was sent, or would have been sent without `after`. Null if there
   * is no such session.
   */
  readonly first: Promise<WireSession | null>;
  setVisible(isVisible: boolean): void;
  /** Idempotent. */
  close(): void;
}

export interface WatchedSessionDeps {
  readonly sessions: Sessions;
  readonly watching: Watching;
  readonly viewerCounts: Pick<ViewerCounts, 'report' | 'sumOf'>;
  readonly clock: Clock;
  readonly policy: Pick<Policy, 'codeTtlMs'>;
  readonly streamMeters: StreamMeters;
  /** The name of this gateway in timelines. */
  readonly gatewayId: string;
  readonly log: Logger;
  /** Redis has lost a version that viewers were told. It may have lost those of all sessions. */
  readonly warnLost: (facts: { readonly sessionId: string; readonly told: number }) => void;
}

interface Viewer {
  readonly delivery: Delivery;
  readonly sink: Sink;
  isVisible: boolean;
  isOpen: boolean;
}

export class WatchedSession {
  readonly id: string;
  readonly newest = new NewestState();
  readonly #deps: WatchedSessionDeps;
  readonly #onEmpty: () => void;
  readonly #viewers = new Set<Viewer>();
  readonly #tellAll = createFanOut<Viewer, StateMessages>(this.#viewers, (viewer, messages) => this.#offer(viewer, messages));
  readonly #closeWatch: () => void;
  readonly #notes: DeliveryNotes;
  /** Counts for the timeline, too. */
  readonly #meters: Pick<StreamMeters, 'sent' | 'superseded'>;
  /** The first read is over: whether there is such a session. */
  readonly #isThere: Promise<boolean>;
  /** Visible viewers over all gateways, as of the last report or state. */
  #viewerCount = 0;
  /** All viewers have hidden the page, so far as was counted. `applyHidden` records that. */
  #isHidden = false;
  /** The greatest version that somebody was told and Redis has lost, until that is put right. */
  #lost: number | null = null;
  /** Of the newest state, if its trace is recorded. */
  #traceparent: string | undefined;

  /**
   * `onEmpty` is called when the last viewer has left. Nobody may subscribe to this one after that.
   */
  constructor(deps: WatchedSessionDeps, id: string, onEmpty: () => void) {
    this.id = id;
    this.#deps = deps;
    this.#onEmpty = onEmpty;
    this.#notes = new DeliveryNotes(deps.clock.now());
    this.#meters = this.#notes.countIn(deps.streamMeters);
    const onChange = (state: WatchedState): void => this.#change(state);
    const { first, close } = deps.sessions.watch(id, onChange, (told) => this.#noticeLost(told));
    this.#closeWatch = close;
    this.#isThere = first.then((state) => this.#keepFirst(state));
  }

  viewerCount(): number {
    return this.#viewers.size;
  }

  isVisible(): boolean {
    return this.#visibleCount() > 0;
  }

  subscribe(options: Subscribe): Subscription {
    const viewer = this.#addViewer(options);
    const endSpan = beginApart('subscribe', {
      'qrcast.session': this.id,
      'qrcast.tenant': options.by.tenantId,
      'qrcast.transport': options.sink.transport,
    });
    const first = this.#isThere
      .then((isThere) => this.#sendFirst(viewer, isThere, options))
      .catch((error: unknown) => {
        this.#drop(viewer);
        throw error;
      })
      .finally(() => endSpan(this.#traceparent));
    return {
      first,
      setVisible: (isVisible) => this.#setVisible(viewer, isVisible),
      close: () => this.#drop(viewer),
    };
  }

  /** Makes it polled, if it was not. */
  start(): void {
    const { watching, log } = this.#deps;
    watching.start(this.id).then(
      (session) => session === null && this.finishAll('not_found'), // Redis has lost it, or it was deleted
      (error: unknown) =>
        log.warn({ sessionId: this.id, ...errorFields(error) }, 'a watched session was not started; the next renewal tries again'),
    );
  }

  /** Reports the number of visible viewers here, and learns their number over all gateways. */
  report(): void {
    this.#deps.viewerCounts.report(this.id, this.#visibleCount()).then(
      (sum) => {
        this.#viewerCount = sum;
        this.#isHidden = sum === 0 && this.#viewers.size > 0;
      },
      () => undefined, // Redis is unreachable: the connection logs that, and the count is stored later
    );
  }

  /**
   * Records that nobody looks, on any gateway, while somebody here has the page in the background.
   * Viewers who left altogether have the grace period to return. Called once a second at most,
   * because a client may switch as fast as it likes.
   */
  applyHidden(): void {
    if (!this.#isHidden || this.isVisible()) return;
    this.#isHidden = false;
    const session = this.newest.read()?.session;
    if (session === undefined || !isPolled(session) || session.isUnwatched) return;
    const { watching, clock, log } = this.#deps;
    watching.apply(this.id, { kind: 'hidden', at: clock.now() }).catch((error: unknown) => {
      log.warn({ sessionId: this.id, ...errorFields(error) }, 'a hidden session was not recorded; its watch ends after the grace period');
    });
  }

  /** Puts the session above what was told and lost. Tried again by the next call if Redis is out. */
  renumber(): void {
    const told = this.#lost;
    if (told === null) return;
    this.#lost = null;
    const { sessions, clock } = this.#deps;
    sessions.renumber(this.id, told, clock.now()).catch(() => {
      this.#lost = Math.max(told, this.#lost ?? 0);
    });
  }

  /** Adds to the timeline what viewers were sent, once a minute. To be called about once a second. */
  noteDeliveries(now: number): void {
    if (this.#notes.isDue(now)) this.#note(now);
  }

  /** Ends the viewers that need too long for a message. */
  endSlow(now: number): void {
    for (const { delivery } of this.#viewers) delivery.endIfSlow(now);
  }

  finishAll(reason: CloseReason): void {
    for (const viewer of this.#viewers) this.#finish(viewer, reason);
  }

  #visibleCount(): number {
    let count = 0;
    for (const { isVisible } of this.#viewers) if (isVisible) count++;
    return count;
  }

  #noticeLost(told: number): void {
    this.#deps.warnLost({ sessionId: this.id, told });
    this.#lost = Math.max(told, this.#lost ?? 0);
    this.renumber();
    this.report(); // it may have lost the count, too
  }

  #keepFirst(state: WatchedState | null): boolean {
    if (state !== null && this.newest.isEmpty()) this.newest.keep(state);
    return state !== null;
  }

  #change(state: WatchedState): void {
    const { session, counts, traceparent } = state;
    this.newest.keep(state);
    this.#traceparent = traceparent;
    if (counts !== undefined) this.#viewerCount = this.#deps.viewerCounts.sumOf(this.id, counts);
    // It was taken for unwatched, as after a lapsed lease, although somebody here watches.
    if ((session.state.kind === 'idle' || session.isUnwatched) && this.isVisible()) {
      this.report(); // Redis may have lost the count
      this.start();
    }
    const end = traceparent === undefined ? undefined : beginBelow('deliver', traceparent, () => this.#deliveryOf(session.version));
    this.#tellAll(this.#changeMessages(state), end);
  }

  #deliveryOf(version: number): SpanAttributes {
    return { 'qrcast.session': this.id, 'qrcast.version': version, 'qrcast.viewers': this.#viewers.size };
  }

  #offer(viewer: Viewer, messages: StateMessages): void {
    try {
      viewer.delivery.offer(messages);
    } catch (error) {
      this.#deps.log.error({ sessionId: this.id, ...errorFields(error) }, 'a viewer could not be told a state; its stream is closed');
      this.#finish(viewer, 'unavailable');
    }
  }

  #messagesOf(state: WatchedState): StateMessages {
    return createStateMessages(state, this.#viewerCount, this.#deps.clock.now());
  }

  /** For viewers who wait for them. */
  #changeMessages(state: WatchedState): StateMessages {
    const { clock, policy } = this.#deps;
    return createStateMessages(state, this.#viewerCount, clock.now(), policy.codeTtlMs);
  }

  #addViewer({ sink, formats = ALL_FORMATS, after = 0, isVisible = true }: Subscribe): Viewer {
    const latest = (): StateMessages | null => {
      const newest = this.newest.read();
      return newest && this.#changeMessages(newest);
    };
    const delivery = createDelivery({
      sink,
      formats,
      after,
      latest,
      onEnd: (reason) => this.#finish(viewer, reason),
      meters: this.#meters,
    });
    const viewer: Viewer = { delivery, sink, isVisible, isOpen: true };
    this.#viewers.add(viewer);
    this.#notes.joined(this.#viewers.size);
    this.#deps.streamMeters.subscriptions[sink.transport].up();
    if (isVisible) {
      this.#viewerCount = Math.max(this.#viewerCount, this.#visibleCount());
      this.report();
    }
    return viewer;
  }

  async #sendFirst(viewer: Viewer, isThere: boolean, { formats = ALL_FORMATS, after = 0 }: Subscribe): Promise<WireSession | null> {
    const newest = isThere ? this.newest.read() : null;
    if (newest === null) {
      this.#drop(viewer);
      return null;
    }
    const messages = this.#messagesOf(newest);
    const { session } = newest;
    const isLive = isPolled(session) || session.state.kind === 'idle';
    if (knownVersion(after, messages.greatestVersion) > session.version) this.#noticeLost(after);
    if (viewer.isVisible && viewer.isOpen && isLive) this.start();
    // A hidden tab can return as another stream, over transports that say so at their start.
    if (!viewer.isVisible && isPolled(session) && !session.isUnwatched) this.report();
    viewer.delivery.offer(messages);
    return messages.isStale ? this.#withoutStaleCode(formats) : messages.whole(formats).session;
  }

  /** The state after the code whose time is over. It is told to the viewers as any other change. */
  async #withoutStaleCode(formats: readonly Format[]): Promise<WireSession | null> {
    const { sessions, clock } = this.#deps;
    const change = await sessions.current(this.id, clock.now());
    return change && this.#messagesOf({ ...changeOf({ session: change.after, image: null }), image: null }).whole(formats).session;
  }

  #setVisible(viewer: Viewer, isVisible: boolean): void {
    if (viewer.isVisible === isVisible || !viewer.isOpen) return;
    viewer.isVisible = isVisible;
    this.report();
    if (isVisible) this.start();
  }

  /** What Redis does not take is missing: nothing depends on it. */
  #note(now: number): void {
    const { sessions, gatewayId } = this.#deps;
    const createdAt = this.newest.read()?.session.createdAt;
    const line = createdAt === undefined ? null : this.#notes.take(now, gatewayId, this.#viewers.size, createdAt);
    if (line !== null) sessions.addToTimeline(this.id, line).catch(() => undefined);
  }

  #finish(viewer: Viewer, reason: CloseReason): void {
    if (!viewer.isOpen) return;
    this.#drop(viewer);
    viewer.sink.close(reason);
  }

  #drop(viewer: Viewer): void {
    if (!viewer.isOpen) return;
    viewer.isOpen = false;
    viewer.delivery.close();
    this.#viewers.delete(viewer);
    this.#deps.streamMeters.subscriptions[viewer.sink.transport].down();
    if (viewer.isVisible) this.report();
    if (this.#viewers.size > 0) return;
    this.#note(this.#deps.clock.now());
    this.#closeWatch();
    this.#onEmpty();
  }
}
