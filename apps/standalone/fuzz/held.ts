/**
 * What a role holds. The number of its sockets must return to its base. For memory and timers, only
 * the trend counts: caches fill, code is compiled on first use, and a client that left without a
 * close is waited for.
 */

/** The heap after a garbage collection. */
export interface Held {
  readonly heapBytes: number;
  /** How many timers and handles of each kind keep the process alive. */
  readonly resources: Readonly<Record<string, number>>;
  /**
   * Open sockets, including those that do not keep the process alive. Read from /proc of Linux; 0
   * elsewhere.
   */
  readonly sockets: number;
}

/** How many connections a worker may have to the provider, idle or in use. */
const SPARE = 3;

/**
 * A connection to the provider is kept for up to a minute for the next request. `kept` such
 * connections may be idle; they do not keep the process alive.
 *
 * @returns a text about sockets that are left; empty if the number is back at its base
 */
export function leftOver(base: Held, now: Held, idle: 'kept' | 'counted'): string[] {
  const inUse = ({ resources }: Held): number => resources['TCPSocketWrap'] ?? 0;
  const told = (what: string, before: number, after: number): string[] =>
    after > before + SPARE ? [`${after} ${what} sockets, and ${before} before`] : [];
  return [...told('used', inUse(base), inUse(now)), ...(idle === 'kept' ? [] : told('open', base.sockets, now.sockets))];
}

/**
 * Something grows if every round of the second half holds more than each of the first half: a
 * quarter more memory, or more than a few timers. One round that holds less disproves it.
 *
 * @returns a text about what grows from round to round
 */
export function growing(rounds: readonly Held[]): string[] {
  const half = rounds.length >> 1;
  const isGrowing = (of: (held: Held) => number, isFar: (least: number, most: number) => boolean): boolean =>
    isFar(Math.min(...rounds.slice(-half).map(of)), Math.max(...rounds.slice(0, half).map(of)));
  const told = (of: (held: Held) => number): string => rounds.map(of).join(' ');
  const megabytes = ({ heapBytes }: Held): number => Math.round(heapBytes / 1e5) / 10;
  const timers = ({ resources }: Held): number => resources['Timeout'] ?? 0;
  return [
    ...(isGrowing(megabytes, (least, most) => least > most * 1.25) ? [`heap after each round, MB: ${told(megabytes)}`] : []),
    ...(isGrowing(timers, (least, most) => least > most + SPARE) ? [`timers after each round: ${told(timers)}`] : []),
  ];
}
