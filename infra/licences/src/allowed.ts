/** The licences that may come with the product: those that ask only for their notice. */

/**
 * SPDX ids. Add one only after reading it. It must have no copyleft, no restricted field of use,
 * and no duty beyond the notice.
 */
const ALLOWED: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
]);

/**
 * In an SPDX expression, all of one alternative must be allowed. Nested expressions are not
 * understood, and therefore not allowed.
 */
export function isAllowedLicence(expression: string | null): boolean {
  const plain = expression?.trim().replace(/^\((.*)\)$/, '$1') ?? '';
  if (/[()]/.test(plain)) return false;
  return plain.split(' OR ').some((alternative) => alternative.split(' AND ').every((id) => ALLOWED.has(id)));
}
