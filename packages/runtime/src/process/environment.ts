/** Variables of the environment as text. Files that set them bring a byte-order mark before the first name or a value: it is no part of either. */

import { invisibleFault } from '@qrcast/core/invisible';
import { withoutMark } from '@qrcast/core/utf8';

export type Environment = Readonly<Record<string, string | undefined>>;

const MARK = '\uFEFF';

/** Undefined for an empty one, too. */
export function readVariable(env: Environment, name: string): string | undefined {
  const text = withoutMark(env[name] ?? env[MARK + name] ?? '');
  return text === '' ? undefined : text;
}

/** A variable that many programs read, most of them in lower case first; and how it is spelled here. Undefined if neither spelling is set. */
export function readShared(env: Environment, name: string): { readonly variable: string; readonly text: string } | undefined {
  for (const variable of [name.toLowerCase(), name]) {
    const text = readVariable(env, variable);
    if (text !== undefined) return { variable, text };
  }
  return undefined;
}

/** Nobody inherits it then. */
export function forgetVariable(env: NodeJS.ProcessEnv, name: string): void {
  delete env[name];
  delete env[MARK + name];
}

/** What is wrong with the names of variables that would be settings but for characters that nobody sees. */
export function hiddenNameFaults(env: Environment, names: readonly string[]): string[] {
  return Object.keys(env).flatMap((given) => {
    const fault = invisibleFault(withoutMark(given));
    const name = fault === null ? undefined : names.find((one) => one === given.replace(/[^\w]/g, ''));
    return name === undefined ? [] : [`${name}: the variable's name: ${fault}`];
  });
}
