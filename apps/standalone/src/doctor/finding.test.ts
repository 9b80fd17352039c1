import { connectionFault } from '@qrcast/runtime/redis/start-connection';
import { describe, expect, it } from 'vitest';
import { countLevels, fault, ok, startFault, textOf, unknown, warning } from './finding.ts';

const SUBJECT = { id: 'redis-role', expected: 'a master' };

describe('the text of findings', () => {
  it('has a line for each, what is to be done below it, and a summary', () => {
    const findings = [ok({ id: 'node', expected: 'a Node' }, 'Node 26'), fault(SUBJECT, 'a replica', 'name the master')];
    expect(textOf(findings).split('\n')).toEqual([
      'ok      node       Node 26',
      'fault   redis-role a replica',
      '          expected: a master',
      '          to mend:  name the master',
      '1 fault, 0 warnings, 0 unknown, 1 ok: mend the faults first',
    ]);
  });

  it.each([
    [[ok(SUBJECT, 'a master')], 'nothing to mend'],
    [[unknown(SUBJECT, 'no permission', 'ask')], 'nothing to mend'],
    [
      [warning(SUBJECT, 'old', 'update'), warning(SUBJECT, 'old', 'update')],
      '0 faults, 2 warnings, 0 unknown, 0 ok: nothing must be mended',
    ],
  ])('sums up %j', (findings, words) => {
    expect(textOf(findings)).toContain(words);
  });
});

it('counts each level, also one that does not occur', () => {
  expect(countLevels([ok(SUBJECT, 'a master'), ok(SUBJECT, 'a master')])).toEqual({ ok: 2, warning: 0, fault: 0, unknown: 0 });
});

describe('a text of the start', () => {
  it('is divided into what was found and what to do', () => {
    const { found, mend } = startFault(SUBJECT, 'expected 7.0 or newer; it is 6.2. Update it. Or use Valkey', 'other');
    expect([found, mend]).toEqual(['it is 6.2', 'Update it. Or use Valkey']);
  });

  it.each([
    ['ECONNREFUSED', 'Start Redis there, or correct REDIS_URL'],
    ['ECONNRESET', 'Write rediss:// in REDIS_URL for a port with TLS, redis:// for one without. If it asks for a certificate, name one'],
    ['EPROTO', 'Use its TLS port, or redis://'],
    ['WRONGPASS', 'Correct them'],
    ['NOPERM', 'Give it the rule'],
    ['ENOTFOUND', 'other'],
    ['ESTRANGE', 'Write rediss:// in REDIS_URL'],
  ])('of a connection that fails with %s is mended by an instruction', (code, words) => {
    for (const byName of [false, true]) {
      const { mend } = startFault(SUBJECT, connectionFault(Object.assign(new Error(code), { code }), byName).fault, 'other');
      if (!byName) expect(mend).toContain(words);
      expect(mend).not.toContain('?');
    }
  });

  it('gets a remedy if it only asks', () => {
    expect(startFault(SUBJECT, 'nothing answers. Is it up?', 'start it').mend).toBe('start it');
  });

  it('gets a remedy if it has none', () => {
    const { found, mend } = startFault(SUBJECT, 'there is no host of the name in REDIS_URL', 'correct it');
    expect([found, mend]).toEqual(['there is no host of the name in REDIS_URL', 'correct it']);
  });
});
