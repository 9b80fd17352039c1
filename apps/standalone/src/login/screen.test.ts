import type { Session, Snapshot } from '@qrcast/client/types';
import { describe, expect, it } from 'vitest';
import { createScreen, type Screen } from '../../test/screen.ts';
import { frameOf, linesOf, type Scene } from './screen.ts';

const TEXT = 'https://max.ru/:auth/0b8b4d8e-7b1a-4c4e-9f3a-1c2d3e4f5a6b';
const CODE = { image: null, text: TEXT, issuedAt: 0, staleAt: 17_000 };
const PAGE = `http://127.0.0.1:43211/connect#${'eyJhbGciOiJIUzI1NiJ9'.repeat(12)}`;
const OPEN = { status: 'open', transport: 'websocket' } as const;
const LOST = { status: 'retrying', code: null, retryAt: 0 } as const;

const SESSION: Session = {
  id: 'ses_1',
  instanceId: '1101000001',
  reference: null,
  version: 3,
  state: 'showing',
  code: CODE,
  notice: null,
  account: null,
  end: null,
  viewers: 1,
  locale: null,
  returnUrl: null,
  startedAt: 0,
  deadlineAt: 180_000,
  expiresAt: 3_600_000,
  serverNow: 0,
};

function snapshotOf(fields: Partial<Session>, connection: Snapshot['connection'] = OPEN): Snapshot {
  return { session: { ...SESSION, ...fields }, connection };
}

function sceneOf(fields: Partial<Scene> = {}): Scene {
  return {
    columns: 80,
    rows: 24,
    colours: true,
    instanceId: '1101000001',
    pageUrl: PAGE,
    snapshot: snapshotOf({}),
    serverNow: 0,
    prompt: null,
    leftMs: 581_000,
    ...fields,
  };
}

function shown(scene: Scene, on: Screen = createScreen(scene.columns, scene.rows)): Screen {
  on.write(frameOf(scene));
  return on;
}

describe('a frame', () => {
  it('shows the code, how long it is valid, and when the command gives up', () => {
    const { lines } = shown(sceneOf());
    expect(lines[0]).toBe('qrcast · instance 1101000001');
    expect(lines.filter((line) => !/[█▀▄]/.test(line) && line !== '')).toEqual([
      'qrcast · instance 1101000001',
      'Scan it in MAX: Profile → Devices → Log in by QR code',
      'Good for 17 s, and renewed by itself.',
      'Ctrl-C stops. It gives up by itself in 9:41.',
    ]);
  });

  it.each(['dark', 'light'] as const)('can be scanned on a terminal with a %s background', (ground) => {
    expect(shown(sceneOf()).readCode(ground)).toBe(TEXT);
    expect(shown(sceneOf({ columns: 120, rows: 50 })).readCode(ground)).toBe(TEXT);
  });

  it('without colours writes none, and can be scanned if text is light', () => {
    const scene = sceneOf({ colours: false });
    for (const style of ['\x1b[38;', '\x1b[1m', '\x1b[2m', '\x1b[0m']) expect(frameOf(scene)).not.toContain(style);
    expect(shown(scene).readCode('dark')).toBe(TEXT);
  });

  it('replaces the earlier text, line by line', () => {
    const screen = createScreen(80, 24);
    screen.write(`${'#'.repeat(80 * 23)}`);
    shown(sceneOf(), screen);
    shown(sceneOf({ snapshot: snapshotOf({ state: 'waiting', code: null }), leftMs: 9_500 }), screen);
    expect(screen.lines.filter((line) => line !== '')).toEqual([
      'qrcast · instance 1101000001',
      'Waiting for a code …',
      'Ctrl-C stops. It gives up by itself in 0:10.',
    ]);
  });

  it('fits into every window, and has a complete code or says that there is no room for one', () => {
    for (let columns = 20; columns <= 100; columns++) {
      for (let rows = 4; rows <= 40; rows++) {
        const scene = sceneOf({ columns, rows });
        const screen = createScreen(columns, rows);
        shown(scene, screen);
        const isDrawn = columns >= 37 && rows >= 19;
        const first = screen.lines[0] ?? '';
        const where = `${columns}×${rows}`;
        if (isDrawn) expect(first, where).toMatch(/^(qrcast · instance 1101000001|█{37,41})$/);
        else expect(first, where).toMatch(/^The window is too/);
        if (isDrawn) expect(linesOf(scene).filter((line) => /[█▀▄]/.test(line)).length, where).toBeGreaterThanOrEqual(19);
      }
    }
  });

  it('can be scanned in the smallest window for the code, with every column used', () => {
    const screen = shown(sceneOf({ columns: 37, rows: 19 }));
    expect(screen.readCode('light')).toBe(TEXT);
    expect(screen.lines.map(({ length }) => length)).toEqual(Array.from({ length: 19 }, () => 37));
  });

  it('says how large the window must be, and shows the complete link if it fits', () => {
    const lines = linesOf(sceneOf({ columns: 60, rows: 12 }));
    expect(lines.join(' ')).toContain('The window is too small for the code: 60×12, it needs 37×19. Make it larger, or open this page:');
    expect(lines.at(-1)).toBe(PAGE);
    const screen = shown(sceneOf({ columns: 60, rows: 12 }));
    expect(screen.lines.join('')).toContain(PAGE); // wrapped by the terminal itself
    expect(linesOf(sceneOf({ columns: 30, rows: 5 })).join(' ')).toMatch(/Make it larger\.$/);
  });

  it('shows the link if a code cannot be drawn, after a time for reading it', () => {
    const snapshot = snapshotOf({ code: { ...CODE, text: null } });
    const first = linesOf(sceneOf({ snapshot, serverNow: 5_999, colours: false }));
    expect(first).toContain('Reading the code …');
    expect(first).not.toContain(PAGE);
    const later = linesOf(sceneOf({ snapshot, serverNow: 6_000, colours: false }));
    expect(later).toContain('This code can only be shown as a picture. Open the page:');
    expect(later).toContain(PAGE);
  });

  it('has no code when it has expired', () => {
    const screen = shown(sceneOf());
    shown(sceneOf({ snapshot: snapshotOf({ code: null }) }), screen);
    expect(screen.readCode('dark')).toBeNull();
    expect(screen.lines.join('\n')).not.toMatch(/[█▀▄]/);
    expect(screen.lines).toContain('This code has expired. The next one is on its way …');
  });

  it('reports a lost gateway beside a code that is still valid', () => {
    const screen = shown(sceneOf({ snapshot: snapshotOf({}, LOST) }));
    expect(screen.readCode('dark')).toBe(TEXT);
    expect(screen.lines).toContain('Good for 17 s.');
    expect(screen.lines).toContain('The gateway cannot be reached. Trying again …');
  });

  it('reports a problem and when the provider is asked again', () => {
    const snapshot = snapshotOf({ state: 'waiting', code: null, notice: { code: 'provider_timeout', retryAt: 4_200 } });
    const lines = linesOf(sceneOf({ snapshot, colours: false }));
    expect(lines).toContain('The provider has not answered so far. Asking again …');
    expect(lines).toContain('Next try in 5 s.');
  });

  it('asks for the password, and says why again', () => {
    const snapshot = snapshotOf({ state: 'password', code: null });
    const first = linesOf(sceneOf({ snapshot, prompt: { kind: 'wanted', mistake: null }, colours: false }));
    expect(first).toContain('Type the password and press Enter. It is not shown.');
    const again = linesOf(sceneOf({ snapshot, prompt: { kind: 'wanted', mistake: 'It was wrong.' }, colours: false }));
    expect(again.join('\n')).toContain('It was wrong.\nType the password');
  });
});
