/** Times, numbers and spans in the words of a language. */

export interface Format {
  number(value: number): string;
  /** @param share from 0 to 1 */
  percent(share: number): string;
  /** The time of day; with its date if that is not today's. */
  time(at: number, now: number): string;
  dateTime(at: number): string;
  hour(at: number): string;
  minute(at: number): string;
  /** A span, rounded to its largest unit or two. */
  span(ms: number): string;
  /** The time that is left. Not 0 before it is over. */
  countdown(ms: number): string;
  /** How long an answer took. */
  took(ms: number): string;
}

/** @param language a BCP 47 tag, with a region if the person has one */
export function createFormat(language: string): Format {
  const plain = new Intl.NumberFormat(language);
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 });
  const unit = (name: string, digits = 0): Intl.NumberFormat =>
    new Intl.NumberFormat(language, { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: digits });
  const units = {
    day: unit('day'),
    hour: unit('hour'),
    minute: unit('minute'),
    second: unit('second', 1),
    millisecond: unit('millisecond'),
  };
  const clock = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  const full = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' });
  const hour = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
  const minute = new Intl.DateTimeFormat(language, { timeStyle: 'short' });
  const span = (ms: number): string =>
    partsOf(ms)
      .map(([name, value]) => units[name].format(value))
      .join(' ');
  return {
    number: (value) => plain.format(value),
    percent: (share) => percent.format(share),
    time: (at, now) => (isSameDay(at, now) ? clock : full).format(at),
    dateTime: (at) => full.format(at),
    hour: (at) => hour.format(at),
    minute: (at) => minute.format(at),
    span,
    countdown: (ms) => span(Math.ceil(ms / 1_000) * 1_000),
    took: (ms) => (ms < 1_000 ? units.millisecond.format(ms) : units.second.format(ms / 1_000)),
  };
}

/** The one or two largest units of a span. */
export function partsOf(ms: number): readonly ['day' | 'hour' | 'minute' | 'second', number][] {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return [['second', seconds]];
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60)
    return minutes < 5 && seconds % 60 > 0
      ? [
          ['minute', minutes],
          ['second', seconds % 60],
        ]
      : [['minute', minutes]];
  const hours = Math.floor(minutes / 60);
  if (hours < 24)
    return minutes % 60 > 0
      ? [
          ['hour', hours],
          ['minute', minutes % 60],
        ]
      : [['hour', hours]];
  return hours % 24 > 0
    ? [
        ['day', Math.floor(hours / 24)],
        ['hour', hours % 24],
      ]
    : [['day', hours / 24]];
}

const isSameDay = (a: number, b: number): boolean => new Date(a).toDateString() === new Date(b).toDateString();
