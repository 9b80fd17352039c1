/**
 * Streams and held requests last long, and must end when the right that let them in is withdrawn:
 * a ticket is revoked, an API key is removed, a tenant is suspended. Every withdrawal is published,
 * and every gateway ends the holders that it serves.
 *
 * A published message can be missed, and a right can be withdrawn between its check and `hold`.
 * So a right is also checked when a holder is added and after each reconnect of the bus. A check
 * that fails because Redis is unreachable is repeated every second.
 */

import type { Bus } from '@qrcast/runtime/redis/bus';

export interface HeldRights<Holder, Reason> {
  /** `onEnd` is called once if the right is lost while it is held. Returns its undo, idempotent. */
  hold(holder: Holder, onEnd: (reason: Reason) => void): () => void;
  /** Checks the holders of `key` now; does nothing if there are none. */
  check(key: string): void;
  /** Ends the holders of `key`: all of them, or those that `isMeant` names. */
  end(key: string, reason: Reason, isMeant?: (holder: Holder) => boolean): void;
  /** Goes through the holders of all keys and ends those that `isMeant` names. */
  endWhere(reason: Reason, isMeant: (holder: Holder) => boolean): void;
  close(): void;
}

export interface HeldRightsDeps<Holder> {
  readonly bus: Pick<Bus, 'subscribe' | 'onReset'>;
  /** Its messages are keys whose right has changed. */
  readonly channel: string;
  /** Names the right. One check serves all holders of a key. */
  readonly keyOf: (holder: Holder) => string;
  /**
   * Looks the right up and ends the holders that have lost it. `holder`: one of its key;
   * `isNew`: it was added just now. Rejects if the right could not be looked up.
   */
  readonly check: (holder: Holder, isNew: boolean) => Promise<void>;
  readonly onChange: (key: string) => void;
  /** The bus has reconnected: changes may have been missed. Called before the checks. */
  readonly onReset?: () => void;
  /** Called every second, before the failed checks are repeated. */
  readonly onTick: () => void;
}

export const TICK_MS = 1_000;

export function openHeldRights<Holder, Reason>(deps: HeldRightsDeps<Holder>): HeldRights<Holder, Reason> {
  const holds = createHolds<Holder, Reason>(deps.keyOf);
  /** Keys whose last check failed. */
  const failed = new Set<string>();

  async function run(holder: Holder, isNew: boolean): Promise<void> {
    const key = deps.keyOf(holder);
    try {
      await deps.check(holder, isNew);
      failed.delete(key);
    } catch {
      failed.add(key); // Redis is unreachable: repeated every second
    }
  }

  function check(key: string): void {
    const holder = holds.anyOf(key);
    if (holder === undefined) failed.delete(key);
    else void run(holder, false);
  }

  const unsubscribe = deps.bus.subscribe(deps.channel, (message) => deps.onChange(String(message)));
  const undoReset = deps.bus.onReset((isAffected) => {
    if (!isAffected(deps.channel)) return;
    deps.onReset?.();
    for (const key of holds.keys()) check(key);
  });
  const timer = setInterval(() => {
    deps.onTick();
    for (const key of failed) check(key);
  }, TICK_MS);

  return {
    hold(holder, onEnd) {
      const release = holds.add(holder, onEnd);
      void run(holder, true);
      return release;
    },
    check,
    end: holds.end,
    endWhere: holds.endWhere,
    close() {
      clearInterval(timer);
      undoReset();
      unsubscribe();
      holds.clear();
    },
  };
}

interface Holds<Holder, Reason> extends Pick<HeldRights<Holder, Reason>, 'end' | 'endWhere'> {
  /** Returns its undo, idempotent. */
  add(holder: Holder, onEnd: (reason: Reason) => void): () => void;
  keys(): Iterable<string>;
  anyOf(key: string): Holder | undefined;
  clear(): void;
}

/** The holders by their key. `onEnd` is called once at most. */
function createHolds<Holder, Reason>(keyOf: (holder: Holder) => string): Holds<Holder, Reason> {
  interface Hold {
    readonly holder: Holder;
    readonly onEnd: (reason: Reason) => void;
  }
  /** None of the sets is empty. */
  const byKey = new Map<string, Set<Hold>>();

  /** Returns whether it was held. */
  function remove(key: string, hold: Hold): boolean {
    const ofKey = byKey.get(key);
    const wasHeld = ofKey?.delete(hold) === true;
    if (ofKey?.size === 0) byKey.delete(key);
    return wasHeld;
  }

  /** Finds all before it ends any: what it calls may hold, and release others of them. */
  function endAmong(keys: Iterable<string>, reason: Reason, isMeant: (holder: Holder) => boolean): void {
    const ended: (readonly [key: string, hold: Hold])[] = [];
    for (const key of keys) {
      for (const hold of byKey.get(key) ?? []) if (isMeant(hold.holder)) ended.push([key, hold]);
    }
    for (const [key, hold] of ended) if (remove(key, hold)) hold.onEnd(reason);
  }

  return {
    add(holder, onEnd) {
      const key = keyOf(holder);
      const hold = { holder, onEnd };
      byKey.set(key, (byKey.get(key) ?? new Set()).add(hold));
      return () => void remove(key, hold);
    },
    keys: () => byKey.keys(),
    anyOf(key) {
      const [hold] = byKey.get(key) ?? [];
      return hold?.holder;
    },
    end: (key, reason, isMeant = () => true) => endAmong([key], reason, isMeant),
    endWhere: (reason, isMeant) => endAmong(byKey.keys(), reason, isMeant),
    clear: () => byKey.clear(),
  };
}
