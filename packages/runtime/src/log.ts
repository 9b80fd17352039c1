/**
 * Structured logs to stdout. Messages are constant and facts are fields. No field holds a secret;
 * the list below is a second line of defence.
 */

import { type DestinationStream, type Logger, pino } from 'pino';
import { createLogOutput, type LogOutput } from './log-output.ts';
import { toText } from './log-text.ts';

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

export const LOG_FORMATS = ['json', 'text'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Shared by all logs of the process. */
let stdout: LogOutput | null = null;
let format: LogFormat = process.stdout.isTTY ? 'text' : 'json';

/** From now on. Without a format it is text on a terminal, and JSON elsewhere. */
export function setLogFormat(wanted: LogFormat | undefined): void {
  if (wanted !== undefined) format = wanted;
}

let readContext: () => object = () => ({});

/** What it returns is added to each line: facts of the request that is being served. One for the process. */
export function setLogContext(read: () => object): void {
  readContext = read;
}

/** Of each log that `createLog` made: those that were derived from it, which have a level of their own. */
const derived = new WeakMap<Logger, Set<Logger>>();

/** Changes the level of the log, and of all that were derived from it. */
export function setLogLevel(log: Logger, level: LogLevel): void {
  for (const one of [log, ...(derived.get(log) ?? [])]) one.level = level;
}

/** Writes to stdout unless a `destination` is given. */
export function createLog(name: string, level: LogLevel, destination?: DestinationStream): Logger {
  const children = new Set<Logger>();
  const options = {
    onChild: (child: Logger) => void children.add(child),
    name,
    level,
    base: { name, pid: process.pid },
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[secret]' },
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: () => readContext(),
  };
  const log = pino(options, destination ?? openStdout((lines) => log.warn({ lines }, 'log lines were dropped because nobody read them')));
  derived.set(log, children);
  return log;
}

function openStdout(onDropped: (lines: number) => void): LogOutput {
  stdout ??= createLogOutput(process.stdout, onDropped);
  const { write, flush } = stdout;
  return { write: (line) => write(format === 'text' ? toText(line) : line), flush };
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
