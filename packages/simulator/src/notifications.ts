/**
 * The notifications of one instance: one line, first in, first out, kept 24 hours, whichever way they leave (webhook or HTTP queue).
 *
 * What the provider is known to do to them is done on entry: they get lost, doubled, or come late. Nothing leaves the line before it is
 * acknowledged, so two readers of the queue see the same one.
 */
const KEPT_MS = 24 * 60 * 60 * 1_000;
const FIRST_RECEIPT = 1_000_001;

export interface Notification {
  readonly receiptId: number;
  /** What is sent, as it will stand in the JSON. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The simulator's clock, ms. */
  readonly queuedAt: number;
  /** Overrides the scheme of the webhook's Authorization header; null sends none. */
  readonly scheme?: string | null;
}

export class Notifications {
  readonly #now: () => number;
  readonly #onReady: () => void;
  readonly #late = new Set<NodeJS.Timeout>();
  readonly #watchers = new Set<() => void>();
  #line: Notification[] = [];
  #receipts = FIRST_RECEIPT;
  #toLose = 0;
  #toDouble: number | 'always' = 0;
  #delayMs = 0;

  /** `onReady` is called whenever something new stands in the line. */
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

  /** Holds everything that comes from now on back for `ms`; 0 ends it. */
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
    while (this.#line[0] !== undefined && this.#line[0].queuedAt < oldest) this.#line.shift();
    return this.#line[0] ?? null;
  }

  /** The first one, waiting up to `ms` for it; null if none came. */
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

  /** False if it is not in the line (any more). */
  remove(receiptId: number): boolean {
    const before = this.#line.length;
    this.#line = this.#line.filter((notification) => notification.receiptId !== receiptId);
    return this.#line.length < before;
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
      this.#line.push({ receiptId, body, queuedAt: this.#now(), ...(scheme === undefined ? {} : { scheme }) });
    }
    for (const wake of this.#watchers) wake();
    this.#onReady();
  }
}
