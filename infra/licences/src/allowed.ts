/** Which licences may come with the product: those that ask for no more than to be named. */

/** SPDX ids. Add one only after reading it: no copyleft, no field of use, no duty beyond the notice. */
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

/** Of an SPDX expression one alternative must be allowed whole. Nested ones are not understood, and so not allowed. */
export function isAllowedLicence(expression: string | null): boolean {
  const plain = expression?.trim().replace(/^\((.*)\)$/, '$1') ?? '';
  if (/[()]/.test(plain)) return false;
  return plain.split(' OR ').some((alternative) => alternative.split(' AND ').every((id) => ALLOWED.has(id)));
}
