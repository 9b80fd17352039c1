/**
 * The notifications of one instance: one queue, first in, first out. They are kept for 24 hours,
 * whether they leave by webhook or through the HTTP queue.
 *
 * Faults that are known of the provider are applied when a notification enters: it is lost,
 * duplicated or delayed. A notification leaves the queue only when it is acknowledged, so two
 * readers see the same one.
 */
const KEPT_MS = 24 * 60 * 60 * 1_000;
const FIRST_RECEIPT = 1_000_001;

export interface Notification {
  readonly receiptId: number;
  /** The JSON body that is sent. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Unix ms on the simulator's clock. */
  readonly queuedAt: number;
  /** Replaces the scheme of the webhook's Authorization header. Null sends no header. */
  readonly scheme?: string | null;
}

export class Notifications {
  readonly #now: () => number;
  readonly #onReady: () => void;
  readonly #late = new Set<NodeJS.Timeout>();
  readonly #watchers = new Set<() => void>();
  #queue: Notification[] = [];
  #receipts = FIRST_RECEIPT;
  #toLose = 0;
  #toDouble: number | 'always' = 0;
  #delayMs = 0;

  /** @param onReady called whenever a notification was added */
  constructor(now: () => number, onReady: () => void) {
    this.#now = now;
    this.#onReady = onReady;
  }

  lose(count: number): void {
    this.#toLose = count;
  }

  duplicate(times: number | 'always'): void {
    this.#toDouble = times;
  }

  /** Delays all notifications from now on by `ms`. 0 ends this. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  push(body: Notification['body'], scheme?: string | null): void {
    if (this.#toLose > 0) {
      this.#toLose -= 1;
      return;
    }
    const copies = this.#isDoubled() ? 2 : 1;
    if (this.#delayMs === 0) {
      this.#enqueue(body, copies, scheme);
      return;
    }
    const timer = setTimeout(() => {
      this.#late.delete(timer);
      this.#enqueue(body, copies, scheme);
    }, this.#delayMs);
    this.#late.add(timer);
  }

  first(): Notification | null {
    const oldest = this.#now() - KEPT_MS;
    while (this.#queue[0] !== undefined && this.#queue[0].queuedAt < oldest) this.#queue.shift();
    return this.#queue[0] ?? null;
  }

  /** Returns the first one, and waits up to `ms` for it. Null if none came. */
  async untilFirst(ms: number, signal: AbortSignal): Promise<Notification | null> {
    const head = this.first();
    if (head !== null || signal.aborted) return head;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    this.#watchers.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
    this.#watchers.delete(resolve);
    return this.first();
  }

  /** Returns false if it is not in the queue. */
  remove(receiptId: number): boolean {
    const before = this.#queue.length;
    this.#queue = this.#queue.filter((notification) => notification.receiptId !== receiptId);
    return this.#queue.length < before;
  }

  close(): void {
    for (const timer of this.#late) clearTimeout(timer);
    this.#late.clear();
    for (const wake of this.#watchers) wake();
  }

  #isDoubled(): boolean {
    if (this.#toDouble === 'always') return true;
    if (this.#toDouble === 0) return false;
    this.#toDouble -= 1;
    return true;
  }

  #enqueue(body: Notification['body'], copies: number, scheme?: string | null): void {
    for (let copy = 0; copy < copies; copy++) {
      const receiptId = this.#receipts++;
      this.#queue.push({ receiptId, body, queuedAt: this.#now(), ...(scheme === undefined ? {} : { scheme }) });
    }
    for (const wake of this.#watchers) wake();
    this.#onReady();
  }
}
