/**
 * Reads phone numbers, as callers write them, as international digits. A number that could mean two
 * things is refused. A wrong guess would end the login as somebody else's, and with
 * `logoutOnMismatch` it would log the right account out.
 */

import { parsePhoneNumberFromString } from 'libphonenumber-js/min';

export type PhoneReading =
  /** International digits without `+`, like `79001234567`. */
  | { readonly kind: 'phone'; readonly digits: string }
  /** What was expected instead. Holds nothing of the number. */
  | { readonly kind: 'refused'; readonly rule: string };

/**
 * For the generated documents. It matches every number that `readPhone` accepts, and some whose
 * meaning is refused.
 */
export const PHONE_PATTERN = '^(?:[Tt][Ee][Ll]:)?[^0-9A-Za-z]*[1-9](?:[^0-9A-Za-z]*[0-9]){6,14}[^0-9A-Za-z]*$';

const FORM = 'expected a phone number in international form, + and the country code first, like +79001234567';
const RULES = {
  form: FORM,
  characters: `${FORM}; only digits, spaces, brackets, dots and dashes may follow the +`,
  eight: `${FORM}; a number that begins with 8 is in national form: write +7 in place of the 8, or the + if 8 begins a country code`,
  zero: `${FORM}; leave out the zeros before the country code, or write the country code in their place`,
  exit: `${FORM}; leave out 810, which only dials out of a country`,
  national: `${FORM}; this one has no country code: write +7, or + and the code of another country, before it`,
  trunk: `${FORM}; leave out the digit that is dialled before the area code inside the country`,
  seven: `${FORM}; after +7 ten digits follow`,
} as const satisfies Record<string, string>;

/** A longer text is not looked at. 15 digits with separators between all of them fit in. */
const MAX_CHARACTERS = 64;
/** Marks without a width. Contact lists put them around numbers that are copied. */
const INVISIBLE = /\p{Cf}/gu;
/**
 * Spaces, brackets, dots and dashes of every kind. A slash is not one, because it also stands
 * between two numbers.
 */
const SEPARATORS = /[\s().\p{Pd}\u2212]/gu;
/**
 * Country code 8 does not exist. A lone 8 is dialled before an area code in Russia, Kazakhstan and
 * Belarus.
 */
const LONE_EIGHT = /^\+?8[\s().\p{Pd}\u2212]/u;
/** Shorter numbers may in fact be national ones, so they must be numbers that exist. */
const LONGER_THAN_NATIONAL = 11;

export function readPhone(text: string): PhoneReading {
  if (text.length > MAX_CHARACTERS) return refused('form');
  const written = text.replace(INVISIBLE, '').trim().replace(/^tel:/i, '').trim();
  const compact = written.replace(SEPARATORS, '');
  if (!/^\+?[0-9]+$/.test(compact)) return refused('characters');
  const digits = compact.replace('+', '');
  const isMarked = compact.startsWith('+');
  if (digits.startsWith('0')) return refused('zero');
  if (LONE_EIGHT.test(written)) return refused('eight');
  if (!isMarked) {
    const rule = nationalRule(digits);
    if (rule !== null) return refused(rule);
  }
  return readInternational(digits);
}

/**
 * For digits without a `+`: the rule that they break if they look like a national number, else
 * null.
 */
function nationalRule(digits: string): keyof typeof RULES | null {
  if (/^810/.test(digits)) return 'exit';
  // libphonenumber reads `84951234567` as a valid number of Vietnam. Inside Russia it is Moscow.
  if (/^8\d{10}$/.test(digits)) return 'eight';
  // A Russian mobile number without its country code. `9613123456`, for instance, is also a valid
  // number of Lebanon.
  return /^9\d{9}$/.test(digits) ? 'national' : null;
}

function readInternational(digits: string): PhoneReading {
  const parsed = parsePhoneNumberFromString(`+${digits}`);
  if (parsed === undefined) return refused(/^8\d{10}$/.test(digits) ? 'eight' : 'form');
  if (parsed.countryCallingCode === '7' && digits.length !== 11) return refused('seven');
  // The library drops a trunk prefix, as in +44 (0) 20. Then the text was not in international
  // form.
  if (parsed.number !== `+${digits}`) return refused('trunk');
  const isNumber = digits.length >= LONGER_THAN_NATIONAL ? parsed.isPossible() : parsed.isValid();
  return isNumber ? { kind: 'phone', digits } : refused('form');
}

function refused(rule: keyof typeof RULES): PhoneReading {
  return { kind: 'refused', rule: RULES[rule] };
}
