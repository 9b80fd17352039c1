/**
 * Joins sent and received messages. Each side notes session, version and time, in its own process.
 */

/** What `compare` shows of changes and their viewers. */
export const CHANGE_FIGURES = {
  missed: { what: 'sent and not received', unit: '' },
  p50: { what: 'change to viewer, p50', unit: 'ms' },
  p99: { what: 'change to viewer, p99', unit: 'ms' },
  max: { what: 'change to viewer, max', unit: 'ms' },
  gateway: { what: 'gateway CPU per delivery', unit: 'µs', isChecked: true },
  viewers: { what: 'CPU of all viewers per delivery', unit: 'µs' },
} as const;

/** `[index of the session, version, monotonic ms]` */
export type Mark = readonly [index: number, version: number, atMs: number];

/**
 * @returns milliseconds from sending to receipt, for each version that arrived. A version that a
 * newer one overtook never arrives.
 */
export function latencies(sent: readonly Mark[], received: readonly Mark[]): number[] {
  const sentAt = new Map(sent.map(([index, version, atMs]) => [`${index}:${version}`, atMs]));
  return received.flatMap(([index, version, atMs]) => {
    const start = sentAt.get(`${index}:${version}`);
    return start === undefined ? [] : [atMs - start];
  });
}
