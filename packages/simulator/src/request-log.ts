/**
 * The requests of clients to one instance, for tests that prove a polling rule. Keeps the newest
 * `limit` records.
 */
import { SimulatorError } from './errors.ts';
import type { MethodName } from './method-table.ts';
import { METHODS } from './method-table.ts';

/**
 * One call. `startedAt` and `endedAt` are times of `performance.now()`, so that gaps can be
 * measured under a fake `now`.
 */
export interface RequestRecord {
  readonly method: MethodName;
  /** When it arrived, Unix ms on the simulator's clock. */
  readonly at: number;
  readonly startedAt: number;
  /** Null while it is open. */
  readonly endedAt: number | null;
  /** Null while it is open. Stays null if the connection broke before a status was sent. */
  readonly status: number | null;
  /**
   * Another account method (not a queue method) of the same instance was open at the same time. Set
   * on both.
   */
  readonly overlapped: boolean;
}

type Open = { -readonly [Field in keyof RequestRecord]: RequestRecord[Field] };

interface Waiter {
  readonly count: number;
  readonly method: MethodName | null;
  readonly resolve: (records: readonly RequestRecord[]) => void;
  readonly reject: (error: Error) => void;
}

export class RequestLog {
  readonly #limit: number;
  readonly #records: Open[] = [];
  readonly #open = new Set<Open>();
  readonly #totals = new Map<MethodName | null, number>();
  #waiters: Waiter[] = [];
  #isClosed = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  records(method: MethodName | null = null): readonly RequestRecord[] {
    return method === null ? [...this.#records] : this.#records.filter((record) => record.method === method);
  }

  /**
   * Records an arrival. The returned function records the end once, with the status that was sent
   * (null if none was).
   */
  begin(method: MethodName, at: number): (status: number | null) => void {
    const record: Open = { method, at, startedAt: performance.now(), endedAt: null, status: null, overlapped: false };
    this.#markOverlaps(record);
    this.#records.push(record);
    if (this.#records.length > this.#limit) this.#records.shift();
    this.#count(null);
    this.#count(method);
    this.#wake();
    return (status) => {
      if (record.endedAt !== null) return;
      record.endedAt = performance.now();
      record.status = status;
      this.#open.delete(record);
    };
  }

  /**
   * Resolves with the remembered records when `count` calls (of `method`) have arrived since the
   * start. Rejects if it is closed first.
   */
  until(count: number, method: MethodName | null): Promise<readonly RequestRecord[]> {
    const arrived = new Promise<readonly RequestRecord[]>((resolve, reject) => {
      this.#waiters.push({ count, method, resolve, reject });
      this.#wake();
      if (this.#isClosed) this.close();
    });
    // A test that failed elsewhere never awaits this. Its own failure must be the one that is
    // reported.
    arrived.catch(() => undefined);
    return arrived;
  }

  close(): void {
    this.#isClosed = true;
    for (const { count, method, reject } of this.#waiters) {
      const seen = this.#totals.get(method) ?? 0;
      reject(new SimulatorError('closed', `the simulator closed after ${seen} of ${count} awaited requests (${method ?? 'any method'})`));
    }
    this.#waiters = [];
  }

  #markOverlaps(record: Open): void {
    if (METHODS[record.method].isQueue) return;
    for (const other of this.#open) {
      other.overlapped = true;
      record.overlapped = true;
    }
    this.#open.add(record);
  }

  #count(method: MethodName | null): void {
    this.#totals.set(method, (this.#totals.get(method) ?? 0) + 1);
  }

  #wake(): void {
    const isDue = (waiter: Waiter): boolean => (this.#totals.get(waiter.method) ?? 0) >= waiter.count;
    for (const waiter of this.#waiters.filter(isDue)) waiter.resolve(this.records(waiter.method));
    this.#waiters = this.#waiters.filter((waiter) => !isDue(waiter));
  }
}
