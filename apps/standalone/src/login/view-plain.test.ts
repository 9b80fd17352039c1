import type { Session, Snapshot } from '@qrcast/client/types';
import { describe, expect, it } from 'vitest';
import { createPrinter, plainLines } from './view-plain.ts';

const PAGE = 'http://127.0.0.1:3000/connect#ticket';

function shown(code: string | null, status: 'open' | 'retrying' = 'open'): Snapshot {
  const connection = status === 'open' ? ({ status, transport: 'websocket' } as const) : ({ status, code: null, retryAt: 0 } as const);
  // Only what is printed matters here.
  const session = {
    state: 'showing',
    notice: null,
    end: null,
    code: { text: code, image: null, issuedAt: 0, staleAt: 1 },
  } as unknown as Session;
  return { session: code === 'none' ? { ...session, code: null } : session, connection };
}

function printer(colours = false): (snapshot: Snapshot, serverNow?: number) => string {
  const print = createPrinter({ pageUrl: PAGE, colours, linesOf: plainLines });
  return (snapshot, serverNow = 0) => print(snapshot, serverNow);
}

const hasPicture = (text: string): boolean => /█/.test(text);

describe('plain lines', () => {
  it('draw a code once, however often it is confirmed', () => {
    const print = printer();
    expect(print(shown('one'))).toMatch(/^\n█+\n.*\nScan it in MAX: /s);
    expect(print(shown('one'))).toBe('');
    expect(hasPicture(print(shown('two')))).toBe(true);
  });

  it('report a lost gateway without drawing the code again', () => {
    const print = printer();
    print(shown('one'));
    const lost = print(shown('one', 'retrying'));
    expect(lost).toContain('The gateway cannot be reached.');
    expect(hasPicture(lost + print(shown('one')))).toBe(false);
  });

  it('draw a code again that had expired and is valid again', () => {
    const print = printer();
    print(shown('one'));
    expect(print(shown('none'))).toBe('This code has expired. The next one is on its way …\n');
    expect(hasPicture(print(shown('one')))).toBe(true);
  });

  it('show the link if the code cannot be drawn', () => {
    const print = printer();
    expect(print(shown(null))).toBe('Reading the code …\n');
    expect(print(shown(null), 6_000)).toBe(`This code can only be shown as a picture. Open the page:\n${PAGE}\n`);
  });

  it.each([
    ['connected', null, ''],
    ['ended', { reason: 'provider_down', resumable: true }, ''],
    ['ended', { reason: 'deadline', resumable: true }, 'Nobody scanned the code in time. Asking for new ones …\n'],
  ] as const)('leave the end to the report: %s, %j', (state, end, text) => {
    const { session, connection } = shown('none');
    expect(printer()({ session: { ...session, state, end } as Session, connection })).toBe(text);
  });

  it('have colours only if the option is set', () => {
    expect(printer(true)(shown('one'))).toContain('\x1b[38;5;231;48;5;16m');
    expect(printer()(shown('one'))).not.toContain('\x1b');
  });
});
