/**
 * The provider's rate limit: calls per second for each method of one instance, from all clients
 * together.
 *
 * The provider's page does not say how the second is counted, or whether refused calls count. Here
 * it is a sliding second over accepted calls. So a client that spaces its calls by more than a
 * second is never refused, and one that calls without a pause gets one call per second through.
 */
const WINDOW_MS = 1_000;

export class RateLimiter {
  readonly #accepted = new Map<string, number[]>();

  /** Whether the call is accepted at `now` (ms). Counts an accepted call. */
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
