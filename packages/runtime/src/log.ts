/** Structured logs to stdout. Messages are constant, facts are fields, and no field holds a secret: the paths below are the second line. */

import { type DestinationStream, type Logger, pino } from 'pino';
import { createLogOutput, type LogOutput } from './log-output.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_FIELDS = [
  'apiKey',
  'apiToken',
  'authorization',
  'callbackSecret',
  'image',
  'pageUrl',
  'password',
  'sealed',
  'secret',
  'ticket',
  'token',
  'webhookToken',
];

/** One for all logs of the process. */
let stdout: LogOutput | null = null;

/** To stdout, if no other `destination` is given. */
export function createLog(name: string, level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    name,
    level,
    base: { name, pid: process.pid },
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[secret]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (destination !== undefined) return pino(options, destination);
  stdout ??= createLogOutput(process.stdout, (lines) => log.warn({ lines }, 'log lines were dropped, for nobody read them'));
  const log = pino(options, stdout);
  return log;
}

/** What of an unknown error may be logged: its class, code and message, and its cause's. Ours hold no secret; others' URLs are cut. */
export function errorFields(error: unknown): { error: string; errorCode?: string; cause?: string } {
  if (!(error instanceof Error)) return { error: typeof error };
  const code = (error as { code?: unknown }).code;
  return {
    error: `${error.name}: ${withoutUrls(error.message)}`,
    ...(typeof code === 'string' ? { errorCode: code } : {}),
    ...(error.cause instanceof Error ? { cause: `${error.cause.name}: ${withoutUrls(error.cause.message)}` } : {}),
  };
}

/** Where a fault happened: the stack without its first lines, which are the message as it came. */
export function framesOf({ stack = '' }: Error): string {
  return stack
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .join('\n');
}

function withoutUrls(text: string): string {
  return text.replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '[url]').slice(0, 500);
}
