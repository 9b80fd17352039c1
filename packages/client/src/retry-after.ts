/**
 * Parses the header `Retry-After` (RFC 9110, section 10.2.3) in the forms that gateways and proxies
 * send. Pure.
 */

const SECONDS = /^\d+(?:\.\d+)?$/;
/**
 * All three forms of an HTTP date begin with the name of a day. The third, asctime's, has no zone
 * and means UTC.
 */
const DATE = /^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},? .*\d/i;
const ZONE = /(?:gmt|utc|[+-]\d{4})$/i;
/**
 * Several values arrive as one text, separated by commas. A date contains a comma too, after the
 * name of the day.
 */
const VALUES = /\s*(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}, )?[^,]+/gi;

/**
 * @param header null if there is none
 * @param now Unix ms, by the clock of the server that wrote the header, if that is known
 * @returns how long to wait at least, in ms. The longest of several values. 0 without a header, for
 *   a date that has passed and for a value that cannot be read. Infinity for more digits than a
 *   number holds
 */
export function parseRetryAfter(header: string | null, now: number): number {
  const values = header?.match(VALUES) ?? [];
  return Math.max(0, ...values.map((value) => valueMs(value.trim(), now)));
}

function valueMs(value: string, now: number): number {
  if (SECONDS.test(value)) return Number(value) * 1_000;
  const ms = DATE.test(value) ? Date.parse(ZONE.test(value) ? value : `${value} GMT`) - now : 0;
  return Number.isNaN(ms) ? 0 : ms;
}
