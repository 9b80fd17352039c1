/**
 * Reads the phone of an account, as the provider tells it, as international digits. So it compares
 * equal with an expected phone, however either was written. It is apart from phone.ts, because that
 * one needs a library that workers can do without.
 */

/**
 * The form used inside Russia and Kazakhstan. It cannot be an international one: no country code
 * that begins with 87 or 89 has numbers of eleven digits.
 */
const RUSSIAN_TRUNK_FORM = /^8([79]\d{9})$/;
const EXIT_PREFIX = /^(?:00|8~?10)(?=[1-9]\d{6,14}$)/;
/**
 * A Russian number without its country code. Only four country codes that begin with 9 have numbers
 * as short as ten digits.
 */
const WITHOUT_COUNTRY = /^9(?!6[017]|75)\d{9}$/;
const DIGITS = /^[1-9]\d{4,19}$/;

/**
 * Reads `79001234567`, `+7 (900) 123-45-67`, `79001234567@c.us` and `89001234567` all as
 * `79001234567`. Null if the text is not a number that can be compared. Then the caller must treat
 * the phone as unknown, never as another one.
 */
export function readAccountPhone(text: string): string | null {
  const [number = ''] = text.split('@', 1);
  const digits = number
    .replace(/^\s*tel:/i, '')
    .replace(/[+\s().\p{Pd}\p{Cf}\u2212]/gu, '')
    .replace(EXIT_PREFIX, '')
    .replace(RUSSIAN_TRUNK_FORM, '7$1');
  return DIGITS.test(digits) && !WITHOUT_COUNTRY.test(digits) ? digits : null;
}
