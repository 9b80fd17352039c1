import type { Outcome } from '@qrcast/core/outcome';
import { beforeEach, describe, expect, it } from 'vitest';
import { createHostGate, type HostGate } from './host-gate.ts';

const HOST = 'https://1101.api.green-api.com';
const OTHER_HOST = 'https://7103.api.green-api.com';
const HEALTHY: Outcome = { kind: 'notAuthorized' };
const TIMEOUT: Outcome = { kind: 'trouble', code: 'provider_timeout', isUnanswered: true };
const UNREACHABLE: Outcome = { kind: 'trouble', code: 'provider_unreachable', isUnanswered: true };
const FULL: Outcome = { kind: 'trouble', code: 'rate_limited' };
const CONCURRENCY = 200;

describe('the gate to a host', () => {
  let now: number;
  let gate: HostGate;
  /** Ends of the requests under way, in the order they were let through. */
  let underWay: ((outcome: Outcome) => void)[];

  beforeEach(() => {
    now = 1_000;
    gate = createHostGate({ concurrency: CONCURRENCY, now: () => now });
    underWay = [];
  });

  const ask = (tenantId = 'acme', host = HOST): Promise<Outcome> =>
    gate.pass(host, tenantId, () => new Promise((resolve) => underWay.push(resolve)));
  /** What comes at once of a request: an answer of the gate's, or null if it was let through. */
  async function tried(tenantId = 'acme', host = HOST): Promise<Outcome | null> {
    const before = underWay.length;
    const answer = ask(tenantId, host);
    return underWay.length > before ? null : answer;
  }
  async function answered(outcome: Outcome, times = 1): Promise<void> {
    for (let i = 0; i < times; i++) await gate.pass(HOST, 'acme', async () => outcome);
  }
  async function fill(tenantId: string): Promise<number> {
    const before = underWay.length;
    while ((await tried(tenantId)) === null);
    return underWay.length - before;
  }

  it('hands through what the request comes to', async () => {
    const answer = ask();
    underWay[0]?.(HEALTHY);
    expect(await answer).toBe(HEALTHY);
    await expect(gate.pass(HOST, 'acme', () => Promise.reject(new Error('aborted')))).rejects.toThrow('aborted');
  });

  it('has places that its tenants share, each host its own, and a place is free when its request has ended, however', async () => {
    expect(await fill('hog')).toBe(150);
    expect(await tried('hog')).toEqual(FULL);
    expect(await tried('acme')).toBeNull();
    expect(await tried('hog', OTHER_HOST)).toBeNull();
    const failing = createHostGate({ concurrency: 1, now: () => now });
    for (let i = 0; i < 3; i++) {
      await expect(failing.pass(HOST, 'acme', () => Promise.reject(new Error('aborted')))).rejects.toThrow('aborted');
    }
    expect(await failing.pass(HOST, 'acme', async () => HEALTHY)).toBe(HEALTHY);
  });

  it('never has more under way than its places', async () => {
    for (let i = 0; i < 300; i++) await tried(`tenant-${i}`);
    expect(underWay).toHaveLength(CONCURRENCY);
  });

  it('cuts a host after ten failures in a row: its answers come from here, as the last failure was', async () => {
    await answered(UNREACHABLE, 9);
    await answered(HEALTHY);
    await answered(UNREACHABLE, 10);
    expect(await tried()).toBeNull(); // the first try
    expect(await tried()).toEqual({ kind: 'trouble', code: 'provider_unreachable' });
    expect(await tried('acme', OTHER_HOST)).toBeNull();
  });

  it('tries a cut host every two seconds, and opens it with any answer', async () => {
    await answered(UNREACHABLE, 11);
    expect(await tried()).not.toBeNull();
    now += 1_999;
    expect(await tried()).not.toBeNull();
    now += 1;
    await answered(UNREACHABLE);
    expect(await tried()).not.toBeNull();
    now += 2_000;
    await answered({ kind: 'trouble', code: 'provider_error' });
    expect(await tried()).toBeNull();
    expect(await tried()).toBeNull();
  });

  it('takes an answer that says "timeout" for an answer', async () => {
    await answered({ kind: 'trouble', code: 'provider_timeout' }, 50);
    expect(await tried()).toBeNull();
  });

  it('cuts a host on which fifty wait and nobody has been answered for ten seconds, places or not', async () => {
    for (let i = 0; i < 50; i++) expect(await tried()).toBeNull();
    now += 9_999;
    expect(await tried()).toBeNull();
    expect(await fill('hog')).toBeGreaterThan(0);
    now += 1;
    expect(await tried()).toBeNull(); // the first try
    expect(await tried()).toEqual({ kind: 'trouble', code: 'provider_timeout' });
    expect(await tried('hog')).toEqual({ kind: 'trouble', code: 'provider_timeout' });
    now += 2_000;
    expect(await tried('hog')).toBeNull(); // it holds its whole share, and tries all the same
    underWay.at(-1)?.(HEALTHY);
    await Promise.resolve();
    await Promise.resolve();
    expect(await tried('acme')).toBeNull();
    expect(await tried('acme')).toBeNull();
  });

  it('leaves a host alone on which few wait long, and one on which many wait and some are answered', async () => {
    for (let i = 0; i < 49; i++) await tried();
    now += 60_000;
    expect(await tried()).toBeNull();
    await answered(HEALTHY);
    now += 9_999;
    expect(await tried()).toBeNull();
    await answered(TIMEOUT);
    now += 1;
    await tried();
    expect(await tried()).toEqual({ kind: 'trouble', code: 'provider_timeout' });
  });
});
