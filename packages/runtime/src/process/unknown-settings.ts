/**
 * Variables that look like settings of ours and are none: most likely misspelled, and then ignored without a word while a default rules. Told
 * of, not refused: one environment file may serve several roles, programs and versions.
 */

import { withoutMark } from '@qrcast/core/utf8';
import leven from 'leven';
import type { Logger } from '../log.ts';
import { SETTINGS } from './settings-table.ts';

export interface UnknownSetting {
  /** Its name, never its value; cut at what a setting's name cannot have, and `…` put there. */
  readonly variable: string;
  /** The setting it may have been meant as; null if none is near. */
  readonly nearest: string | null;
}

const PREFIX = 'QRCAST_';
/** Others' than the roles': the command line's secrets, and those of our examples and tests. */
const OTHER_VARIABLES = [
  'QRCAST_API_KEY',
  'QRCAST_ACCOUNT_PASSWORD',
  'QRCAST_WEBHOOK_TOKEN',
  'QRCAST_URL',
  'QRCAST_CALLBACK_SECRET',
  'QRCAST_SCREENSHOTS',
] as const;
const KNOWN: readonly string[] = [...Object.keys(SETTINGS), ...OTHER_VARIABLES];
/** As a forgotten `_MS` is. */
const MAX_EDITS = 3;
/** Of a short name nearly everything is near: an edit for each so many characters. */
const CHARACTERS_PER_EDIT = 4;

/** Of the names of all variables of an environment, those that begin with `QRCAST_` and are nothing's of ours, in their order. */
export function findUnknownSettings(names: readonly string[]): readonly UnknownSetting[] {
  const ours = names.map(withoutMark).filter((name) => name.startsWith(PREFIX) && !KNOWN.includes(name));
  return ours.filter((name) => !isServiceLink(name, names)).map((name) => describe(/^\w+/.exec(name)?.[0] ?? '', name));
}

/**
 * A line of the log for each. To be called before the settings are read, and so at whatever level the log begins with: a setting that is
 * missing then may be the one that is misspelled.
 */
export function warnOfUnknownSettings(names: readonly string[], log: Logger): void {
  for (const unknown of findUnknownSettings(names)) log.warn(unknown, 'this variable is no setting of qrcast and is ignored');
}

/** For a person at a terminal. */
export function unknownSettingText({ variable, nearest }: UnknownSetting): string {
  const guess = nearest === null ? '' : `; did you mean ${nearest}?`;
  return `${variable} is no setting of qrcast and is ignored${guess}`;
}

/** `NAME:secret`, written for `NAME=secret`, makes the secret a part of a name. */
function describe(word: string, name: string): UnknownSetting {
  return { variable: word === name ? name : `${word}…`, nearest: nearestOf(word) };
}

function nearestOf(word: string): string | null {
  const bare = word.slice(PREFIX.length);
  if (KNOWN.includes(bare)) return bare; // as PORT and REDIS_URL are, which have no prefix
  const maxEdits = Math.min(MAX_EDITS, Math.floor(bare.length / CHARACTERS_PER_EDIT));
  const [nearest] = KNOWN.map((known) => ({ known, edits: leven(word, known) })).toSorted((a, b) => a.edits - b.edits);
  return nearest !== undefined && nearest.edits <= maxEdits ? nearest.known : null;
}

/** Kubernetes tells every container of the services beside it: of one named `qrcast`, with QRCAST_SERVICE_HOST, QRCAST_PORT_3000_TCP and more. */
function isServiceLink(name: string, names: readonly string[]): boolean {
  const [, service] =
    /^(\w+?)_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/.exec(name) ?? [];
  return service !== undefined && names.includes(`${service}_SERVICE_HOST`) && names.includes(`${service}_SERVICE_PORT`);
}
