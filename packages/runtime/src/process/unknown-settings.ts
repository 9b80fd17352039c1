/**
 * Finds variables that look like our settings but are not. Most are misspelled, and a default would
 * silently apply instead. They are reported, not refused, because one environment file may serve
 * several roles, programs and versions.
 */

import { withoutMark } from '@qrcast/core/utf8';
import leven from 'leven';
import type { Logger } from '../log.ts';
import { fileVariableOf } from './environment.ts';
import { isSecret, SETTINGS, type SettingName } from './settings-table.ts';

export interface UnknownSetting {
  /**
   * Its name, never its value. It is cut, with `…`, at the first character that no setting's name
   * has.
   */
  readonly variable: string;
  /** The setting that may be meant. Null if no name is similar. */
  readonly nearest: string | null;
}

const PREFIX = 'QRCAST_';
/**
 * Variables that are not settings of a role: secrets of the command line, and those of our examples
 * and tests.
 */
const OTHER_VARIABLES = [
  'QRCAST_API_KEY',
  'QRCAST_ACCOUNT_PASSWORD',
  'QRCAST_WEBHOOK_TOKEN',
  'QRCAST_URL',
  'QRCAST_CALLBACK_SECRET',
  'QRCAST_SCREENSHOTS',
] as const;
/** Secrets of the command line may be in files, too. */
const SECRETS = [...(Object.keys(SETTINGS) as SettingName[]).filter(isSecret), ...OTHER_VARIABLES.slice(0, 3)];
const KNOWN: readonly string[] = [...Object.keys(SETTINGS), ...OTHER_VARIABLES, ...SECRETS.map(fileVariableOf)];
/** Enough for a forgotten `_MS`. */
const MAX_EDITS = 3;
/**
 * Nearly every name is similar to a short one. So an edit is allowed for each so many characters.
 */
const CHARACTERS_PER_EDIT = 4;

/**
 * Returns, in order, the variables that begin with `QRCAST_` and that nothing of ours reads.
 * `names`: of all variables.
 */
export function findUnknownSettings(names: readonly string[]): readonly UnknownSetting[] {
  const ours = names.map(withoutMark).filter((name) => name.startsWith(PREFIX) && !KNOWN.includes(name));
  return ours.filter((name) => !isServiceLink(name, names)).map((name) => describe(/^\w+/.exec(name)?.[0] ?? '', name));
}

/**
 * Logs a warning for each. Call it before the settings are read: a setting that is then missing may
 * be the misspelled one. So the level is the one that the log begins with.
 */
export function warnOfUnknownSettings(names: readonly string[], log: Logger): void {
  for (const unknown of findUnknownSettings(names)) log.warn(unknown, 'this variable is not a setting of qrcast and is ignored');
}

/** For a person at a terminal. */
export function unknownSettingText({ variable, nearest }: UnknownSetting): string {
  const guess = nearest === null ? '' : `; did you mean ${nearest}?`;
  return `${variable} is not a setting of qrcast and is ignored${guess}`;
}

/** `NAME:secret`, written instead of `NAME=secret`, makes the secret part of the name. */
function describe(word: string, name: string): UnknownSetting {
  return { variable: word === name ? name : `${word}…`, nearest: nearestOf(word) };
}

function nearestOf(word: string): string | null {
  const bare = word.slice(PREFIX.length);
  if (KNOWN.includes(bare)) return bare; // PORT and REDIS_URL have no prefix
  const maxEdits = Math.min(MAX_EDITS, Math.floor(bare.length / CHARACTERS_PER_EDIT));
  const [nearest] = KNOWN.map((known) => ({ known, edits: leven(word, known) })).toSorted((a, b) => a.edits - b.edits);
  return nearest !== undefined && nearest.edits <= maxEdits ? nearest.known : null;
}

/**
 * Kubernetes sets variables for every service in every container. For a service `qrcast` they are
 * QRCAST_SERVICE_HOST, QRCAST_PORT_3000_TCP and more.
 */
function isServiceLink(name: string, names: readonly string[]): boolean {
  const [, service] =
    /^(\w+?)_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/.exec(name) ?? [];
  return service !== undefined && names.includes(`${service}_SERVICE_HOST`) && names.includes(`${service}_SERVICE_PORT`);
}
