/**
 * What a role holds. Its sockets have to come back to their base. Of memory and timers only the trend can be told: caches fill, code is compiled
 * when it is first used, and a client that went without a word is waited for.
 */

/** After a collection of garbage. */
export interface Held {
  readonly heapBytes: number;
  /** Timers and handles: how many of each kind keep the process alive. */
  readonly resources: Readonly<Record<string, number>>;
  /** Open ones, those included that keep no process alive. As Linux tells them; 0 elsewhere. */
  readonly sockets: number;
}

/** A worker's connection to the provider may be between two requests, or under way. */
const SPARE = 3;

/**
 * Sockets, in words; nothing if they are back to their base. `idle` ones are `kept` where a connection to the provider waits up to a minute
 * for the next request; what waits so keeps no process alive.
 */
export function leftOver(base: Held, now: Held, idle: 'kept' | 'counted'): string[] {
  const inUse = ({ resources }: Held): number => resources['TCPSocketWrap'] ?? 0;
  const told = (what: string, before: number, after: number): string[] =>
    after > before + SPARE ? [`${after} ${what} sockets, and ${before} before`] : [];
  return [...told('used', inUse(base), inUse(now)), ...(idle === 'kept' ? [] : told('open', base.sockets, now.sockets))];
}

/**
 * What grows from round to round, as words: every one of the last half holds more than each of the first, by a quarter for memory and by more
 * than a few for timers. One round that holds less is enough to clear it.
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
