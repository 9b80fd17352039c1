/** Joins what was sent with what came: both sides note session, version and time, in their own processes. */

/** `[index of the session, version, monotonic ms]` */
export type Mark = readonly [index: number, version: number, atMs: number];

/** Milliseconds from sending to receipt of each version that came. A version that a newer one overtook never comes. */
export function latencies(sent: readonly Mark[], received: readonly Mark[]): number[] {
  const sentAt = new Map(sent.map(([index, version, atMs]) => [`${index}:${version}`, atMs]));
  return received.flatMap(([index, version, atMs]) => {
    const start = sentAt.get(`${index}:${version}`);
    return start === undefined ? [] : [atMs - start];
  });
}
