/**
 * Text for a terminal. Parts of it come from tenants, gateways and the provider. None may move the
 * cursor, colour the screen, set its title, or turn the direction of a line.
 */

/** Each character that acts on a terminal or on the text around it becomes `?`. Lines stay lines. */
export function printable(text: string): string {
  return text.toWellFormed().replace(/[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}

/** A line of JSON for a program. The same characters are escaped, because a person may look on. */
export function jsonLine(event: string, fields: object = {}): string {
  const json = JSON.stringify({ event, ...fields });
  return `${json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)}\n`;
}

const escaped = (character: string): string =>
  character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
