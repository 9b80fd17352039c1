import { describe, expect, it } from 'vitest';
import { connected, ended, sampleSession, showing } from '../test/session.ts';
import { isConfirmation, isFinal, withFresh, withSession } from './told.ts';
import type { Session } from './types.ts';

describe('the newest state', () => {
  it('is replaced only by newer versions', () => {
    const told = showing(5);
    expect(withSession(null, told)).toBe(told);
    expect(withSession(told, showing(4))).toBe(told);
    expect(withSession(told, showing(5))).toBe(told);
    const newer = showing(6);
    expect(withSession(told, newer)).toBe(newer);
  });

  it('is kept once it is final, and not before', () => {
    expect(withSession(connected(7), showing(8)).state).toBe('connected');
    expect(withSession(ended(7, false), showing(8)).state).toBe('ended');
    expect(withSession(ended(7, true), connected(8)).state).toBe('connected');
  });

  it('is replaced by another session, whatever its version', () => {
    expect(withSession(showing(9), sampleSession({ id: 'ses_2', version: 1 })).id).toBe('ses_2');
  });

  it('is recognised as final', () => {
    expect([connected(1), ended(1, false), ended(1, true), showing(1)].map(isFinal)).toEqual([true, true, false, false]);
  });
});

describe('a confirmation', () => {
  it('makes the same code valid for longer, with the new version', () => {
    const told = showing(5);
    const staleAt = (told.code?.staleAt ?? 0) + 5_000;
    const fresh = withFresh(told, { id: told.id, version: 6, staleAt });
    expect(fresh).toEqual({ ...told, version: 6, code: { ...told.code, staleAt } });
  });

  it.each([
    ['older', { version: 5 }],
    ['of another session', { id: 'ses_2' }],
  ])('that is %s changes nothing', (_name, fields) => {
    const told = showing(5);
    expect(withFresh(told, { id: told.id, version: 6, staleAt: 1, ...fields })).toBe(told);
  });

  it('without a code changes nothing', () => {
    const told = sampleSession({ version: 5 });
    expect(withFresh(told, { id: told.id, version: 6, staleAt: 1 })).toBe(told);
    expect(withFresh(null, { id: told.id, version: 6, staleAt: 1 })).toBeNull();
  });
});

describe('a whole state', () => {
  const told = showing(5);
  const code = { ...showing(5).code, staleAt: 1 } as NonNullable<Session['code']>; // it has one

  it('that only extends the time is treated as a confirmation', () => {
    expect(isConfirmation(told, { ...told, version: 6, viewers: 9, serverNow: 1, code })).toBe(true);
  });

  it.each([
    ['another code', { code: showing(6).code }],
    ['its text', { code: { ...code, text: 'https://max.ru/:auth/x' } }],
    ['a notice', { notice: { code: 'provider_timeout', retryAt: 1 } }],
    ['another session', { id: 'ses_2' }],
  ] satisfies [string, Partial<Session>][])('that tells of %s is none', (_name, fields) => {
    expect(isConfirmation(told, { ...told, version: 6, ...fields })).toBe(false);
  });

  it('is no confirmation without a code, or as the first one', () => {
    expect(isConfirmation(sampleSession({ version: 1 }), sampleSession({ version: 2 }))).toBe(false);
    expect(isConfirmation(null, told)).toBe(false);
  });
});
