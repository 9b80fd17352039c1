/**
 * The statistics of logins: of each hour, how far attempts came. It is kept as one hash an hour, whose
 * fields are the steps, `end:<reason>` and `first:<bucket>` for the time to the first code.
 */

import { z } from 'zod';
import { ATTEMPT_STEPS, type StepTaken } from './attempt-progress.ts';
import { bucketOf } from './histogram-bucket.ts';

export const HOUR_MS = 3_600_000;
/** For how long hours are kept: a week. */
export const STATISTICS_HOURS = 168;
/** Seconds, from the beginning of an attempt to its first code. */
export const FIRST_CODE_SECONDS = [0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 60, 180] as const;

const count = z.number().int();

export const statisticsHourSchema = z
  .object({
    startsAt: count.describe('The beginning of the hour, Unix ms'),
    attempts: count.describe('Attempts that began in it'),
    steps: z
      .object({
        watched: count.describe('Attempts began'),
        code_shown: count.describe('Attempts showed their first code'),
        scanned: count.describe('A scan was seen'),
        password: count.describe('A password was wanted'),
        connected: count.describe('Logins'),
      })
      .describe('Steps that attempts came to in this hour, also attempts that began before'),
    ends: z.record(z.string(), count).describe('Attempts that ended without a login, by reason. `unwatched`: nobody looked any more'),
    firstCode: z
      .array(count)
      .describe('How many first codes took how long: one count for each of `firstCodeBounds`, and one for longer ones'),
  })
  .meta({ id: 'StatisticsHour' });

export const statisticsSchema = z
  .object({
    hours: z.array(statisticsHourSchema).describe('Every hour of the span, oldest first. The last is the current one'),
    firstCodeBounds: z.array(z.number()).describe('The upper bounds of `firstCode`, seconds'),
  })
  .meta({ id: 'Statistics' });

export const readStatisticsSchema = z.strictObject({
  hours: z.coerce.number().int().min(1).max(STATISTICS_HOURS).default(24).describe('How many hours, with the current one'),
});

export const readAnyStatisticsSchema = readStatisticsSchema.extend({
  tenantId: z.string().min(1).max(64).optional().describe('Only those of this tenant. Default: of all tenants together'),
});

export type Statistics = z.infer<typeof statisticsSchema>;
type StatisticsHour = z.infer<typeof statisticsHourSchema>;

const END = 'end:';
const FIRST = 'first:';

/** The fields that the step raises by 1. */
export function statisticsFieldsOf({ step, reason, tookMs }: StepTaken): readonly string[] {
  if (step === 'ended') return [`${END}${reason}`];
  if (step !== 'code_shown' || tookMs === undefined) return [step];
  return [step, `${FIRST}${bucketOf(FIRST_CODE_SECONDS, tookMs / 1_000)}`];
}

/** An hour as it is kept; an empty hash if nothing happened. */
export interface StoredHour {
  readonly startsAt: number;
  readonly fields: Readonly<Record<string, string>>;
}

export function statisticsOf(hours: readonly StoredHour[]): Statistics {
  return { hours: hours.map(hourOf), firstCodeBounds: [...FIRST_CODE_SECONDS] };
}

const STEPS = ATTEMPT_STEPS.filter((step) => step !== 'ended');

function hourOf({ startsAt, fields }: StoredHour): StatisticsHour {
  const numberOf = (field: string): number => (/^\d{1,15}$/.test(fields[field] ?? '') ? Number(fields[field]) : 0); // else it is not ours
  const ends = Object.keys(fields).filter((field) => field.startsWith(END));
  return {
    startsAt,
    attempts: numberOf('watched'),
    steps: Object.fromEntries(STEPS.map((step) => [step, numberOf(step)])) as StatisticsHour['steps'], // all of them
    ends: Object.fromEntries(ends.map((field) => [field.slice(END.length), numberOf(field)])),
    firstCode: [...FIRST_CODE_SECONDS, 0].map((_bound, bucket) => numberOf(`${FIRST}${bucket}`)),
  };
}
