/**
 * Structured logs to stdout. Messages are constant and facts are fields. No field holds a secret;
 * the list below is a second line of defence.
 */

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

/** Shared by all logs of the process. */
let stdout: LogOutput | null = null;

/** Writes to stdout unless a `destination` is given. */
export function createLog(name: string, level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    name,
    level,
    base: { name, pid: process.pid },
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[secret]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (destination !== undefined) return pino(options, destination);
  stdout ??= createLogOutput(process.stdout, (lines) => log.warn({ lines }, 'log lines were dropped because nobody read them'));
  const log = pino(options, stdout);
  return log;
}

/**
 * What may be logged of an error: class, code and message, and those of its cause. Our own hold no
 * secrets; URLs in others' are cut.
 */
export function errorFields(error: unknown): { error: string; errorCode?: string; cause?: string } {
  if (!(error instanceof Error)) return { error: typeof error };
  const code = (error as { code?: unknown }).code;
  return {
    error: `${error.name}: ${withoutUrls(error.message)}`,
    ...(typeof code === 'string' ? { errorCode: code } : {}),
    ...(error.cause instanceof Error ? { cause: `${error.cause.name}: ${withoutUrls(error.cause.message)}` } : {}),
  };
}

/** Where a fault happened: the stack without its first lines, which hold the unfiltered message. */
export function framesOf({ stack = '' }: Error): string {
  return stack
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .join('\n');
}

function withoutUrls(text: string): string {
  return text.replace(/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, '[url]').slice(0, 500);
}
