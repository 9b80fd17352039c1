import { createLog } from '@qrcast/runtime/log';
import { expect, it } from 'vitest';
import { createThrottledWarning } from './throttled-warning.ts';

it('is logged once a minute, with the number of calls that were left out', () => {
  const lines: { msg: string; leftOut: number }[] = [];
  const clock = { ms: 5 };
  const log = createLog('test', 'warn', { write: (line) => void lines.push(JSON.parse(line)) });
  const warn = createThrottledWarning({ log, now: () => clock.ms }, 'a stranger called');
  for (let i = 0; i < 1_000; i++) warn();
  clock.ms += 59_999;
  warn();
  expect(lines).toMatchObject([{ msg: 'a stranger called', leftOut: 0 }]);
  clock.ms += 1;
  for (let i = 0; i < 10; i++) warn();
  clock.ms += 60_000;
  warn();
  expect(lines.slice(1)).toMatchObject([{ leftOut: 1_000 }, { leftOut: 9 }]);
});
