/** How much of a core each of several programs uses. */

export interface Used {
  usage(): Promise<{ readonly cpuMs: number }>;
}

/** Begins to measure. @returns a function that ends it, and resolves to percents of a core */
export async function openShares<Key extends string>(programs: Readonly<Record<Key, Used>>): Promise<() => Promise<Record<Key, number>>> {
  const names = Object.keys(programs) as Key[]; // Object.keys forgets their type
  const read = () => Promise.all(names.map(async (name) => (await programs[name].usage()).cpuMs));
  const before = await read();
  const startedAt = performance.now();
  return async () => {
    const ms = performance.now() - startedAt;
    const after = await read();
    const shares = names.map((name, i) => [name, (((after[i] ?? 0) - (before[i] ?? 0)) / ms) * 100]);
    return Object.fromEntries(shares) as Record<Key, number>; // one for each name
  };
}
