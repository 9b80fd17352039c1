import { expect, it } from 'vitest';
import { createLog } from './log.ts';
import { toText } from './log-text.ts';

function text(write: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  write(createLog('test', 'trace', { write: (line) => void lines.push(toText(line)) }));
  return lines.join('');
}

it('shows time, level, message and facts in one line', () => {
  const line = text((log) => log.warn({ role: 'commands', reason: 'ECONNREFUSED' }, 'redis connection lost; reconnecting'));
  expect(line).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: redis connection lost; reconnecting \{"role":"commands","reason":"ECONNREFUSED"\}\n$/,
  );
});

it('stays one line, and moves no cursor, whatever a fact holds', () => {
  const line = text((log) => log.info({ error: 'one\ntwo \u001b[2J\u0007', deep: { more: 'three\nfour' } }, 'message'));
  for (const moving of ['\n', '\u001b', '\u0007']) expect(line.trimEnd()).not.toContain(moving);
  expect(line).toContain('four');
});

it('hides what JSON hides', () => {
  expect(text((log) => log.info({ apiToken: 'S3CRET' }, 'message'))).not.toContain('S3CRET');
});
