/** What a setting is: how its text becomes a value, and what its documentation says. */

import { z } from 'zod';

/** Programs that read settings. `command line`: the commands of `qrcast`. */
export type Reader = 'start' | 'gateway' | 'worker' | 'command line' | 'simulator';

export interface Setting {
  /** From the variable's text (undefined where it is not set) to the value. */
  readonly schema: z.ZodType;
  /** Unit and bounds, or form, of the value. */
  readonly form: string;
  /** The default as text. Null: there is none. */
  readonly default: string | null;
  /** What `.env.template` shows in place of the default. */
  readonly example?: string;
  readonly readBy: readonly Reader[];
  readonly isSecret?: boolean;
  readonly what: string;
  /** When to change it. */
  readonly change: string;
  /** Further paragraphs, for `.env.template` alone. */
  readonly details?: readonly string[];
}

export interface SettingSection {
  readonly title: string;
  /** Stands before the settings of the section. */
  readonly intro?: string;
  readonly settings: Readonly<Record<string, Setting>>;
}

export const EVERY_ROLE = ['start', 'gateway', 'worker'] as const;
export const EVERY_PROGRAM = ['start', 'gateway', 'worker', 'command line'] as const;
export const GATEWAYS = ['start', 'gateway'] as const;
export const WORKERS = ['start', 'worker'] as const;
export const START = ['start'] as const;

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** A whole number within bounds. The unit stands in the message of a fault. */
export const wholeSchema = (min: number, max: number, unit: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `expected a whole number from ${min} to ${max} (${unit})`)
    .transform(Number)
    .pipe(z.number().min(min, `expected at least ${min} (${unit})`).max(max, `expected at most ${max} (${unit})`));

/** The fields of a setting that is a whole number with a default. */
export const whole = (min: number, max: number, unit: string, byDefault: number) => ({
  schema: wholeSchema(min, max, unit).default(byDefault),
  form: `Whole number from ${min} to ${max} (${unit})`,
  default: String(byDefault),
});

const commaList = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);

/** Entries separated by commas. A fault names the entry by its number, never its text. */
export const listSchema = (isKnown: (entry: string) => boolean, expected: string) =>
  commaList.superRefine((entries, context) => {
    for (const [i, entry] of entries.entries()) {
      if (!isKnown(entry)) context.addIssue({ code: 'custom', message: `entry ${i + 1}: expected ${expected}`, input: '' });
    }
  });

/** Text that `parse` understands or throws an Error for, whose message must not repeat the text. */
export const parsedBy = <T>(parse: (text: string) => T, expected: string) =>
  z.string().transform((text, context): T => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : expected, input: '' });
      return z.NEVER;
    }
  });
