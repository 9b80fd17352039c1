/**
 * Variables of the environment as text. Files that set them may bring a byte-order mark before the
 * first name or before a value. The mark is not part of either.
 */

import { invisibleFault } from '@qrcast/core/invisible';
import { withoutMark } from '@qrcast/core/utf8';

export type Environment = Readonly<Record<string, string | undefined>>;

const MARK = '\uFEFF';

/** Returns undefined also for an empty variable. */
export function readVariable(env: Environment, name: string): string | undefined {
  const text = withoutMark(env[name] ?? env[MARK + name] ?? '');
  return text === '' ? undefined : text;
}

/**
 * Reads a variable that many programs share. Like most of them, it prefers the lower-case spelling.
 * Returns the spelling that is set, or undefined if neither is.
 */
export function readShared(env: Environment, name: string): { readonly variable: string; readonly text: string } | undefined {
  for (const variable of [name.toLowerCase(), name]) {
    const text = readVariable(env, variable);
    if (text !== undefined) return { variable, text };
  }
  return undefined;
}

/** Deletes a variable, so that child processes do not inherit it. */
export function forgetVariable(env: NodeJS.ProcessEnv, name: string): void {
  delete env[name];
  delete env[MARK + name];
}

/** The faults of variables whose names would be settings without their invisible characters. */
export function hiddenNameFaults(env: Environment, names: readonly string[]): string[] {
  return Object.keys(env).flatMap((given) => {
    const fault = invisibleFault(withoutMark(given));
    const name = fault === null ? undefined : names.find((one) => one === given.replace(/[^\w]/g, ''));
    return name === undefined ? [] : [`${name}: the variable's name: ${fault}`];
  });
}
