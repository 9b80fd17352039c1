/**
 * Variables of the environment as text. Files that set them may bring a byte-order mark before the
 * first name or before a value. The mark is not part of either.
 *
 * A secret may also stand in a file that `NAME_FILE` names, as orchestrators mount them. Then it is
 * in no environment, which others on the machine and `inspect` commands can read.
 */

import { readFileSync } from 'node:fs';
import { invisibleFault } from '@qrcast/core/invisible';
import { decodeUtf8, withoutMark } from '@qrcast/core/utf8';

export type Environment = Readonly<Record<string, string | undefined>>;

const MARK = '\uFEFF';

/** Returns undefined also for an empty variable. */
export function readVariable(env: Environment, name: string): string | undefined {
  const text = withoutMark(env[name] ?? env[MARK + name] ?? '');
  return text === '' ? undefined : text;
}

/** The variable that names the file of a secret. */
export const fileVariableOf = (name: string): string => `${name}_FILE`;

/** The text of a secret. Undefined: neither the variable nor its file is set. */
export type ReadSecret = { readonly text: string | undefined } | { readonly fault: string };

/**
 * Reads a secret from its variable, or from the file that `NAME_FILE` names. One line end after the
 * secret is dropped. A fault names the variable and never the text.
 */
export function readSecret(env: Environment, name: string): ReadSecret {
  const text = readVariable(env, name);
  const fileVariable = fileVariableOf(name);
  const path = readVariable(env, fileVariable);
  if (path === undefined) return { text };
  if (text !== undefined) return { fault: `${name} and ${fileVariable}: expected one of them, but both are set` };
  return readSecretFile(fileVariable, path);
}

function readSecretFile(variable: string, path: string): ReadSecret {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { fault: `${variable}: expected the path of a file with the secret; this file cannot be read (${code})` };
  }
  const text = decodeUtf8(bytes)?.replace(/\r?\n$/, '');
  if (text === undefined) return { fault: `${variable}: expected UTF-8 text in the file; it is in another encoding` };
  return text === '' ? { fault: `${variable}: expected a secret in the file; the file is empty` } : { text };
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

/** Deletes a secret's variable and the one that names its file. */
export function forgetSecret(env: NodeJS.ProcessEnv, name: string): void {
  forgetVariable(env, name);
  forgetVariable(env, fileVariableOf(name));
}

/** The faults of variables whose names would be settings without their invisible characters. */
export function hiddenNameFaults(env: Environment, names: readonly string[]): string[] {
  return Object.keys(env).flatMap((given) => {
    const fault = invisibleFault(withoutMark(given));
    const name = fault === null ? undefined : names.find((one) => one === given.replace(/[^\w]/g, ''));
    return name === undefined ? [] : [`${name}: the variable's name: ${fault}`];
  });
}
