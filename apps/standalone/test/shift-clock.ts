/**
 * For fault tests: a preload (`--import`) that shifts the wall clock of a process while it runs.
 * `Date` is shifted; `performance.now()`, timers and other threads of the process are not. The
 * parent process sends how far, and is told when it is done.
 */

export interface ClockShift {
  readonly shiftMs: number;
}

/** What the process's own clocks say after the shift. */
export interface ClockReading {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

const RealDate = globalThis.Date;
let shiftMs = 0;
const now = (): number => RealDate.now() + shiftMs;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
});

if (process.send !== undefined) {
  process.on('message', (message: ClockShift) => {
    shiftMs = message.shiftMs;
    process.send?.({ wallMs: Date.now(), monotonicMs: performance.now() } satisfies ClockReading);
  });
  process.channel?.unref(); // the process may end while its parent still listens
}
