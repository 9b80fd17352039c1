import { describe, expect, it } from 'vitest';
import { overviewSession } from '../../test/overview-session.ts';
import { createScreen } from '../../test/screen.ts';
import { visibleWidth } from '../frame.ts';
import { afterMessage, NOTHING_YET, type Overview, type OverviewSession } from './overview.ts';
import { frameOf, linesOf, plainText, type TopScene } from './screen.ts';

const NOTICE = { code: 'provider_timeout', retryAt: 65_000 };
const END = { reason: 'deadline', resumable: true };

function overviewOf(...sessions: readonly OverviewSession[]): Overview {
  return afterMessage(NOTHING_YET, { at: 60_000, sessions: [...sessions], gone: [], isFirst: true, isCut: false });
}

const EVERY = overviewOf(
  overviewSession('ses_ended', { state: 'ended', end: END, viewers: 0 }),
  overviewSession('ses_waiting', { state: 'waiting' }),
  overviewSession('ses_showing', { reference: 'order 17' }),
  overviewSession('ses_password', { state: 'password', tenantId: 'bank' }),
  overviewSession('ses_notice', { state: 'waiting', notice: NOTICE }),
  overviewSession('ses_newer', { startedAt: 30_000 }),
);

function sceneOf(fields: Partial<TopScene> = {}): TopScene {
  return {
    columns: 120,
    rows: 24,
    colours: false,
    gateway: 'https://qrcast.example.com',
    whose: 'all tenants',
    hasTenants: true,
    overview: EVERY,
    isLost: false,
    now: 60_000,
    ...fields,
  };
}

describe('the screen', () => {
  it('has the counts first, then the most interesting sessions', () => {
    expect(linesOf(sceneOf())).toEqual([
      'qrcast top · all tenants · https://qrcast.example.com',
      'password 1 · showing 2 · waiting 2 · ended 1 · with a notice 1',
      'STATE     AGE  LEFT  TENANT  INSTANCE    NOTICE OR END                   VIEWERS  SESSION       REFERENCE',
      'waiting   1m   2m    acme    1101000001  provider_timeout (again in 5s)  1        ses_notice    -',
      'password  1m   2m    bank    1101000001  -                               1        ses_password  -',
      'showing   30s  2m    acme    1101000001  -                               1        ses_newer     -',
      'showing   1m   2m    acme    1101000001  -                               1        ses_showing   order 17',
      'waiting   1m   2m    acme    1101000001  -                               1        ses_waiting   -',
      'ended     1m   -     acme    1101000001  deadline (resumable)            0        ses_ended     -',
      'q ends.',
    ]);
  });

  it('has no column for the tenant of a tenant’s own sessions', () => {
    expect(linesOf(sceneOf({ hasTenants: false })).join('\n')).not.toMatch(/TENANT|acme/);
  });

  it('says that it connects, that there is nothing, and that the gateway was lost', () => {
    expect(linesOf(sceneOf({ overview: null }))).toContain('Connecting …');
    expect(linesOf(sceneOf({ overview: overviewOf() }))).toContain('There are no sessions.');
    expect(linesOf(sceneOf({ overview: { ...EVERY, isCut: true } }))[1]).toMatch(/ · others are left out$/);
    expect(linesOf(sceneOf({ isLost: true }))[2]).toMatch(/^The gateway cannot be reached/);
  });

  it('fits into every window, and says what did not', () => {
    for (let columns = 8; columns <= 130; columns++) {
      for (let rows = 1; rows <= 12; rows++) {
        const lines = linesOf(sceneOf({ columns, rows, isLost: true }));
        const where = `${columns}×${rows}`;
        expect(lines.length, where).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(visibleWidth(line), where).toBeLessThanOrEqual(columns);
      }
    }
    expect(linesOf(sceneOf({ rows: 7 })).at(-1)).toBe('q ends. 3 more do not fit.');
    const narrow = linesOf(sceneOf({ columns: 40 }));
    expect(narrow[2]).toBe('STATE     AGE  INSTANCE    NOTICE OR END');
    expect(narrow[0]).toMatch(/…$/);
  });

  it('lets no text of a tenant move the cursor, colour the screen, or turn or break a line', () => {
    const reference = 'a\x1b[2Jb\x9b31mc\nd\re\u202Ef\u2028g\u200Fh\x07';
    const overview = overviewOf(overviewSession('ses_1', { reference, tenantId: 'a\nb', state: 'sho\x1bwing' }));
    const lines = linesOf(sceneOf({ overview }));
    expect(lines[3]).toContain('a?[2Jb?31mc?d?e?f?g?h?');
    expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(plainText(overview, true).split('\n')).toHaveLength(4);
  });

  it('cuts wide characters where they fit, so that no line wraps', () => {
    const overview = overviewOf(
      overviewSession('ses_1', { reference: '商店'.repeat(60) }),
      overviewSession('ses_2', { reference: '👨‍👩‍👧‍👦'.repeat(60) }),
    );
    for (const columns of [40, 81, 120]) {
      for (const line of linesOf(sceneOf({ overview, columns }))) expect(visibleWidth(line)).toBeLessThanOrEqual(columns);
    }
  });

  it('replaces an earlier screen completely', () => {
    const screen = createScreen(120, 24);
    screen.write('#'.repeat(120 * 23));
    screen.write(frameOf(sceneOf({ colours: true })));
    screen.write(frameOf(sceneOf({ colours: true, overview: overviewOf() })));
    expect(screen.lines.filter((line) => line !== '')).toEqual([
      'qrcast top · all tenants · https://qrcast.example.com',
      'There are no sessions.',
      'q ends.',
    ]);
  });

  it('has colours only where they are wanted', () => {
    expect(linesOf(sceneOf({ colours: true })).join('')).toContain('\x1b[33m');
    expect(linesOf(sceneOf()).join('')).not.toContain('\x1b');
  });
});

describe('the plain table', () => {
  it('has every session and every column', () => {
    const text = plainText(EVERY, true);
    expect(text).toMatch(/^password 1 · showing 2 · waiting 2 · ended 1 · with a notice 1\n\nSTATE +AGE +LEFT/);
    expect(text.split('\n')).toHaveLength(9);
    expect(plainText(overviewOf(), true)).toBe('There are no sessions.');
  });
});
