import { expect, it } from 'vitest';
import { EXITS, LoginError, refusedEnding } from './ending.ts';
import { createReport } from './report.ts';

function reported(tell: (report: ReturnType<typeof createReport>) => void): string {
  const texts: string[] = [];
  const write = (text: string): void => void texts.push(text);
  tell(createReport({ json: false, write, writeError: write }));
  return texts.join('');
}

const HOSTILE = 'no\x1b]0;title\x07 \x9b2J\r\x08way\nhere';

it.each([
  ['that refused', (report: ReturnType<typeof createReport>) => report.failed(new LoginError('refused', HOSTILE, EXITS.fault.code))],
  ['that ended it', (report: ReturnType<typeof createReport>) => report.ended(refusedEnding('forbidden', HOSTILE))],
])('the text of a gateway %s cannot control the terminal', (_what, tell) => {
  const text = reported(tell);
  expect(text).toContain('no?]0;title? ?2J??way\nhere');
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
});
