/** Releases what was acquired, in reverse order. Push a release at the moment of acquisition. */

export interface Releasers {
  push(name: string, release: () => void | Promise<void>): void;
  /**
   * Runs all releases, the last one first, even if some fail. A second call awaits the first.
   * Rejects with the failures.
   */
  release(): Promise<void>;
}

export function createReleasers(): Releasers {
  const stack: { name: string; release: () => void | Promise<void> }[] = [];
  let releasing: Promise<void> | null = null;

  async function releaseAll(): Promise<void> {
    const failures: Error[] = [];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      try {
        await next.release();
      } catch (error) {
        failures.push(new Error(`could not release ${next.name}`, { cause: error }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map((failure) => failure.message).join('; '));
  }

  return {
    push(name, release) {
      if (releasing !== null) throw new Error(`${name} was acquired while stopping; stop acquiring before release()`);
      stack.push({ name, release });
    },
    release: () => (releasing ??= releaseAll()),
  };
}
