/**
 * The provider's limit: so many calls a second for each method of one instance, whoever makes them.
 *
 * Its page does not say how the second is counted or whether refused calls count. Here it is a sliding second over accepted calls, so a
 * client that spaces its calls by more than a second is never refused, and one that hammers gets one call through each second.
 */
const WINDOW_MS = 1_000;

export class RateLimiter {
  readonly #accepted = new Map<string, number[]>();

  /** Whether the call may pass at `now` (ms); a call that passes is counted. */
  admit(method: string, perSecond: number, now: number): boolean {
    const times = this.#accepted.get(method);
    if (times === undefined) {
      this.#accepted.set(method, [now]);
      return true;
    }
    while (times[0] !== undefined && now - times[0] >= WINDOW_MS) times.shift();
    if (times.length >= perSecond) return false;
    times.push(now);
    return true;
  }
}
