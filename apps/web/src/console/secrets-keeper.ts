/**
 * New secrets, which the gateway tells only once. They are kept, in memory alone, until the person
 * says that they are copied, whatever view is open then. Signing out drops them.
 */

export interface Secrets {
  /** For the document: unique in the page. */
  readonly id: string;
  readonly title: string;
  /** The answer of the gateway, of which the secrets are shown. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface SecretsKeeper {
  /** Oldest first. */
  now(): readonly Secrets[];
  keep(title: string, values: Secrets['values']): void;
  drop(id: string): void;
  /** Call it before a call that makes secrets. Returns what to call after it; idempotent. */
  expect(): () => void;
  /** Some are not copied yet, or are still to come. */
  isNeeded(): boolean;
  /** Drops all, also those that are still to come. */
  close(): void;
}

/** `onKeep` is called when there are new ones. */
export function createSecretsKeeper(onKeep: () => void): SecretsKeeper {
  let kept: readonly Secrets[] = [];
  let count = 0;
  let isClosed = false;
  const expected = new Set<symbol>();
  return {
    now: () => kept,
    keep(title, values) {
      if (isClosed) return;
      kept = [...kept, { id: `secrets-${++count}`, title, values }];
      onKeep();
    },
    drop(id) {
      kept = kept.filter((one) => one.id !== id);
    },
    expect() {
      const call = Symbol('call');
      expected.add(call);
      return () => void expected.delete(call);
    },
    isNeeded: () => !isClosed && (kept.length > 0 || expected.size > 0),
    close() {
      isClosed = true;
      kept = [];
    },
  };
}
