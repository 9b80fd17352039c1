/** Log lines for people: time, level, message, and the facts behind it in one line. */

import { createRequire } from 'node:module';

type Prettify = (line: string) => string;

let prettify: Prettify | null = null;

/** @param line of JSON, as pino writes it */
export function toText(line: string): string {
  prettify ??= loadPrettify();
  return prettify(line);
}

/** Loaded when the first line needs it, because services that log JSON never do. */
function loadPrettify(): Prettify {
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  const colorize = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
  return prettyFactory({ colorize, singleLine: true, ignore: 'pid,name', errorLikeObjectKeys: [], translateTime: 'SYS:HH:MM:ss.l' });
}
