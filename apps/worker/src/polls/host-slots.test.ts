import type { Outcome } from '@qrcast/core/outcome';
import { beforeEach, describe, expect, it } from 'vitest';
import { createHostSlots, type HostSlots } from './host-slots.ts';

const HOST = 'https://1101.api.green-api.com';
const OTHER_HOST = 'https://7103.api.green-api.com';
const HEALTHY: Outcome = { kind: 'notAuthorized' };
const TIMEOUT: Outcome = { kind: 'trouble', code: 'provider_timeout', isUnanswered: true };
const UNREACHABLE: Outcome = { kind: 'trouble', code: 'provider_unreachable', isUnanswered: true };
const FULL: Outcome = { kind: 'trouble', code: 'rate_limited' };
const CONCURRENCY = 200;

describe('the slots of a host', () => {
  let now: number;
  let slots: HostSlots;
  /** Ends of the requests under way, in the order they were let through. */
  let underWay: ((outcome: Outcome) => void)[];

  beforeEach(() => {
    now = 1_000;
    slots = createHostSlots({ concurrency: CONCURRENCY, now: () => now });
    underWay = [];
  });

  const ask = (tenantId = 'acme', host = HOST): Promise<Outcome> =>
    slots.run(host, tenantId, () => new Promise((resolve) => underWay.push(resolve)));
  /** The answer given in place of a request, or null if the request was sent. */
  async function tried(tenantId = 'acme', host = HOST): Promise<Outcome | null> {
    const before = underWay.length;
    const answer = ask(tenantId, host);
    return underWay.length > before ? null : answer;
  }
  async function answered(outcome: Outcome, times = 1): Promise<void> {
    for (let i = 0; i < times; i++) await slots.run(HOST, 'acme', async () => outcome);
  }
  async function fill(tenantId: string): Promise<number> {
    const before = underWay.length;
    while ((await tried(tenantId)) === null);
    return underWay.length - before;
  }

  it('return the result of the request', async () => {
    const answer = ask();
    underWay[0]?.(HEALTHY);
    expect(await answer).toBe(HEALTHY);
    await expect(slots.run(HOST, 'acme', () => Promise.reject(new Error('aborted')))).rejects.toThrow('aborted');
  });

  it('are shared by tenants, separate for each host, and free again however a request ends', async () => {
    expect(await fill('hog')).toBe(150);
    expect(await tried('hog')).toEqual(FULL);
    expect(await tried('acme')).toBeNull();
    expect(await tried('hog', OTHER_HOST)).toBeNull();
    const failing = createHostSlots({ concurrency: 1, now: () => now });
    for (let i = 0; i < 3; i++) {
      await expect(failing.run(HOST, 'acme', () => Promise.reject(new Error('aborted')))).rejects.toThrow('aborted');
    }
    expect(await failing.run(HOST, 'acme', async () => HEALTHY)).toBe(HEALTHY);
  });

  it('limit the requests under way', async () => {
    for (let i = 0; i < 300; i++) await tried(`tenant-${i}`);
    expect(underWay).toHaveLength(CONCURRENCY);
  });

  it('cut a host after ten failures in a row, and answer with its last failure', async () => {
    await answered(UNREACHABLE, 9);
    await answered(HEALTHY);
    await answered(UNREACHABLE, 10);
    expect(await tried()).toBeNull(); // the first try
    expect(await tried()).toEqual({ kind: 'trouble', code: 'provider_unreachable' });
    expect(await tried('acme', OTHER_HOST)).toBeNull();
  });

  it('let one request every two seconds try a cut host, and open it with any answer', async () => {
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

  it('count an answer that says "timeout" as an answer', async () => {
    await answered({ kind: 'trouble', code: 'provider_timeout' }, 50);
    expect(await tried()).toBeNull();
  });

  it('cut a host on which fifty requests wait and none was answered for ten seconds, even if slots are free', async () => {
    for (let i = 0; i < 50; i++) expect(await tried()).toBeNull();
    now += 9_999;
    expect(await tried()).toBeNull();
    expect(await fill('hog')).toBeGreaterThan(0);
    now += 1;
    expect(await tried()).toBeNull(); // the first try
    expect(await tried()).toEqual({ kind: 'trouble', code: 'provider_timeout' });
    expect(await tried('hog')).toEqual({ kind: 'trouble', code: 'provider_timeout' });
    now += 2_000;
    expect(await tried('hog')).toBeNull(); // it holds its whole share, and is still tried
    underWay.at(-1)?.(HEALTHY);
    await Promise.resolve();
    await Promise.resolve();
    expect(await tried('acme')).toBeNull();
    expect(await tried('acme')).toBeNull();
  });

  it('do not cut a host on which few wait long, or on which many wait and some are answered', async () => {
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
