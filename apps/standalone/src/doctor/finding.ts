/** What `qrcast doctor` finds, and how it says it. */

/** `unknown`: it could not be looked at, and the finding says why. */
export type Level = 'ok' | 'warning' | 'fault' | 'unknown';

export interface Finding {
  /** What was looked at. Programs may rely on it. */
  readonly id: string;
  readonly level: Level;
  readonly found: string;
  readonly expected: string;
  /** The command or the setting that mends it. Null if nothing is to be mended. */
  readonly mend: string | null;
}

/** What is looked at, and what is expected of it. */
export interface Subject {
  readonly id: string;
  readonly expected: string;
}

export const ok = (subject: Subject, found: string): Finding => ({ ...subject, level: 'ok', found, mend: null });
export const fault = (subject: Subject, found: string, mend: string): Finding => ({ ...subject, level: 'fault', found, mend });
export const warning = (subject: Subject, found: string, mend: string): Finding => ({ ...subject, level: 'warning', found, mend });
/** @param why nothing is known */
export const unknown = (subject: Subject, why: string, mend: string): Finding => ({ ...subject, level: 'unknown', found: why, mend });

/**
 * The fault that a start would end with. Such a text says what was expected, what came, and then
 * what to do.
 * @param mend if the text does not say what to do, or only asks
 */
export function startFault(subject: Subject, text: string, mend: string): Finding {
  const [, found = text, rest = mend] = /^(.*?[^.])\. (.+)$/s.exec(text) ?? [];
  return fault(subject, found.replace(/^expected [^;]*; /, ''), rest.includes('?') ? mend : rest);
}

const LEVELS: readonly Level[] = ['fault', 'warning', 'unknown', 'ok'];

export type Counts = Readonly<Record<Level, number>>;

export function countLevels(findings: readonly Finding[]): Counts {
  const count = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  return { fault: count('fault'), warning: count('warning'), unknown: count('unknown'), ok: count('ok') };
}

const LEVEL_WIDTH = 8;
const INDENT = ' '.repeat(LEVEL_WIDTH);

/** A line for each finding, what is to be done below it, and a summary. */
export function textOf(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ id }) => id.length)) + 1;
  const lines = findings.flatMap(({ id, level, found, expected, mend }) => [
    `${level.padEnd(LEVEL_WIDTH)}${id.padEnd(width)}${found}`,
    ...(level === 'ok' ? [] : [`${INDENT}  expected: ${expected}`]),
    ...(mend === null ? [] : [`${INDENT}  to mend:  ${mend}`]),
  ]);
  return [...lines, summaryOf(countLevels(findings))].join('\n');
}

function summaryOf(counts: Counts): string {
  const parts = LEVELS.map((level) => `${counts[level]} ${nounOf(level, counts[level])}`);
  const isSound = counts.fault === 0 && counts.warning === 0;
  return `${parts.join(', ')}: ${counts.fault > 0 ? 'mend the faults first' : isSound ? 'nothing to mend' : 'nothing must be mended'}`;
}

const nounOf = (level: Level, count: number): string => ((level === 'fault' || level === 'warning') && count !== 1 ? `${level}s` : level);
