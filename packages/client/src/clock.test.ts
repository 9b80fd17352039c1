import { describe, expect, it } from 'vitest';
import { createServerClock } from './clock.ts';

const SERVER = 1_790_000_000_000;

/** A machine whose clocks are moved by hand. */
function machine() {
  const time = { monotonic: 500, wall: 42 };
  return {
    clock: createServerClock({ monotonic: () => time.monotonic, wall: () => time.wall }),
    pass(ms: number): void {
      time.monotonic += ms;
      time.wall += ms;
    },
    suspend(ms: number): void {
      time.wall += ms;
    },
    setWall(to: number): void {
      time.wall = to;
    },
  };
}

describe('server clock', () => {
  it('knows no time before the first message', () => {
    expect(machine().clock.now()).toBeNull();
  });

  it('counts on from the time of the server', () => {
    const { clock, pass } = machine();
    clock.sync(SERVER);
    pass(1_500);
    expect(clock.now()).toBe(SERVER + 1_500);
    expect(clock.isSuspect()).toBe(false);
  });

  it('ignores a wall clock that is set back, or corrected by a little', () => {
    const { clock, pass, setWall } = machine();
    clock.sync(SERVER);
    pass(1_000);
    setWall(-3_600_000);
    expect(clock.now()).toBe(SERVER + 1_000);
    setWall(-3_600_000 + 1_900);
    expect(clock.now()).toBe(SERVER + 1_000);
    expect(clock.isSuspect()).toBe(false);
  });

  it('moves forward with a faster message, and not back with a delayed one', () => {
    const { clock, pass } = machine();
    clock.sync(SERVER);
    pass(1_000);
    clock.sync(SERVER + 1_200);
    expect(clock.now()).toBe(SERVER + 1_200);
    pass(8_000);
    clock.sync(SERVER + 1_300);
    expect(clock.now()).toBe(SERVER + 9_200);
  });

  it('starts again with a new connection, and keeps the old estimate until its first message', () => {
    const { clock, pass } = machine();
    clock.sync(SERVER);
    clock.restart();
    pass(2_000);
    expect(clock.now()).toBe(SERVER + 2_000);
    clock.sync(SERVER - 60_000);
    expect(clock.now()).toBe(SERVER - 60_000);
  });

  it('includes sleep, in which the monotonic clock stops, and is uncertain until a new connection', () => {
    const { clock, pass, suspend } = machine();
    clock.sync(SERVER);
    pass(1_000);
    suspend(600_000);
    expect(clock.now()).toBe(SERVER + 601_000);
    clock.sync(SERVER + 1_100);
    expect(clock.now(), 'a message from before the sleep').toBe(SERVER + 601_000);
    expect(clock.isSuspect()).toBe(true);
    clock.restart();
    expect(clock.isSuspect(), 'a new connection is there, its first message on the way').toBe(false);
    expect(clock.now()).toBe(SERVER + 601_000);
    clock.sync(SERVER + 601_200);
    expect(clock.now()).toBe(SERVER + 601_200);
    expect(clock.isSuspect()).toBe(false);
  });
});
