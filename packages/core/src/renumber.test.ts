import { describe, expect, it } from 'vitest';
import { answered, code, linked, policy, showing, T0, trouble, withState } from '../test/fixtures.ts';
import { reduce } from './reduce.ts';
import { dateVersion, greatestVersion, isOlder, renumber } from './renumber.ts';
import type { Session } from './session.ts';
import { owed } from './wire.ts';

const connected = withState({ kind: 'connected', account: { wid: null, phone: null } });
const at = (version: number, stamp = 'a'): Session => ({ ...connected, version, toldVersion: version, stamp });

describe('the version of a change', () => {
  it.each([
    [T0 + 20_000, 20_000],
    [T0 + 20_000.9, 20_000],
    [T0 + 8, 8],
    [T0 + 7, 8], // it is above the one before all the same
    [T0 - 5, 8],
  ])('at %d is %i', (time, version) => {
    expect(dateVersion(at(7), time).version + 1).toBe(version);
  });

  it('does not rise with time alone', () => {
    const session = at(7);
    expect(reduce(policy, session, { kind: 'elapsed', at: T0 + 60_000 })).toBe(session);
  });

  it('is above that of a change that Redis has lost', () => {
    const saved = withState(showing);
    const lost = [1, 2, 3].reduce(
      (session, nth) => reduce(policy, session, answered(code(`lost ${nth}`), { at: T0 + 10_000 + nth, startedAt: T0 + 9_500 + nth })),
      saved,
    );
    const next = reduce(policy, saved, answered(linked, { at: T0 + 12_000, startedAt: T0 + 11_500 }));
    expect(next.version).toBeGreaterThan(lost.version);
    expect(owed(next, lost.version)).toBe('session');
  });

  it('that is not told stays below that of a lost one, so that the loss is seen', () => {
    const saved = withState({ kind: 'password', notice: null });
    const lost = reduce(policy, saved, answered(trouble('instance_starting'), { at: T0 + 10_000, startedAt: T0 + 9_500 }));
    const kept = reduce(policy, saved, answered({ kind: 'passwordWanted' }, { at: T0 + 15_000, startedAt: T0 + 14_500 }));
    expect([kept.version, kept.toldVersion]).toEqual([saved.version + 1, saved.toldVersion]);
    expect(isOlder(kept, lost)).toBe(true);
    expect(owed(renumber(kept, lost.version, T0 + 15_000), lost.version)).toBe('session');
  });
});

describe('the greatest version that anybody can have been told', () => {
  it('is that of the time, by the clock of any Redis', () => {
    expect(greatestVersion(at(7), T0 + 5_000)).toBe(65_000);
    expect(greatestVersion(at(70_000), T0 + 5_000)).toBe(70_000);
  });
});

describe('renumber', () => {
  it.each([7, 8, 27])('puts a state of version 7 above %i, and owes it to whoever was told that', (told) => {
    const raised = renumber(at(7), told, T0);
    expect(raised).toEqual({ ...at(7), version: told + 1, toldVersion: told + 1 });
    expect(owed(raised, told)).toBe('session');
  });

  it('puts it above what others may have been told, too', () => {
    expect(renumber(at(7), 9, T0 + 5_000).version).toBe(5_000);
  });

  it('leaves a session alone that is above already', () => {
    const session = at(7);
    expect(renumber(session, 6, T0 + 60_000)).toBe(session);
  });

  it('owes a code that was only confirmed since to everybody, too', () => {
    const confirmed = withState(showing, { version: 7, toldVersion: 4 });
    expect(owed(renumber(confirmed, 9, T0), 9)).toBe('session');
  });
});

describe('a record is older than what was told', () => {
  it.each([
    ['a lower version', at(6), at(7), true],
    ['the same version from another past', at(7, 'b'), at(7), true],
    ['the same record', at(7), at(7), false],
    ['a higher version', at(8, 'b'), at(7), false],
    ['the same version as an older release stores it', at(7, ''), at(7), false],
    ['the same version as an older release told it', at(7), at(7, ''), false],
  ])('%s: %#', (_, stands, told, older) => {
    expect(isOlder(stands, told)).toBe(older);
  });
});
