/**
 * The secrets of the commands: the instance's token, a gateway's API key and admin key, the account's password
 * and the tenant's webhook token. Each comes from the environment, a file, stdin or a person. They
 * are deleted from the environment, so that no child process inherits them. No message contains
 * one.
 */

import { readFile } from 'node:fs/promises';
import { API_TOKEN } from '@qrcast/core/credential-forms';
import { invisibleFault, typedFault } from '@qrcast/core/invisible';
import { decodeUtf8 } from '@qrcast/core/utf8';
import { forgetSecret, readSecret as readSecretVariable } from '@qrcast/runtime/process/environment';
import type { LoginArguments } from '../cli-arguments.ts';
import { usageError } from '../option-rules.ts';
import type { Input } from './input.ts';

export type SecretVariables = Readonly<
  Record<'GREEN_API_TOKEN' | 'QRCAST_API_KEY' | 'QRCAST_ADMIN_KEY' | 'QRCAST_ACCOUNT_PASSWORD' | 'QRCAST_WEBHOOK_TOKEN', string | undefined>
>;

/** The form that each secret must have. Whoever receives it may want more. */
const FAULT_OF: Readonly<Record<keyof SecretVariables, (text: string) => string | null>> = {
  GREEN_API_TOKEN: invisibleFault,
  QRCAST_API_KEY: invisibleFault,
  QRCAST_ADMIN_KEY: invisibleFault,
  QRCAST_ACCOUNT_PASSWORD: typedFault,
  QRCAST_WEBHOOK_TOKEN: invisibleFault,
};

/**
 * Reads the variables, or the files that they name with `_FILE` at their end, and deletes them. An
 * empty one counts as unset.
 *
 * @param used those that the command may use. It must not refuse to run for the form of another
 * @throws {LoginError} `usage` if a file cannot be read, or one of them has an invisible character
 */
export function takeSecrets(env: NodeJS.ProcessEnv, used: readonly (keyof SecretVariables)[]): SecretVariables {
  const names = Object.keys(FAULT_OF) as (keyof SecretVariables)[]; // its own keys
  const taken = names.map((name) => ({ name, ...readSecretVariable(env, name) }));
  for (const name of names) forgetSecret(env, name);
  const faults = taken.flatMap((one) => {
    if (!used.includes(one.name)) return [];
    if ('fault' in one) return [one.fault];
    const fault = one.text === undefined ? null : FAULT_OF[one.name](one.text);
    return fault === null ? [] : [`${one.name}: ${fault}`];
  });
  if (faults.length > 0) throw usageError(faults.join('; '));
  return Object.fromEntries(taken.map((one) => [one.name, 'text' in one ? one.text : undefined])) as SecretVariables; // of all its names
}

export interface SecretsDeps {
  readonly variables: SecretVariables;
  readonly input: Pick<Input, 'takeKeyboard' | 'typed' | 'piped' | 'hasTerminal'>;
  /** Writes a question where the person reads it. */
  readonly ask: (question: string) => void;
}

export interface Secrets {
  /** @throws {LoginError} `usage` if there is none, or it has not the form of one */
  token(signal: AbortSignal): Promise<string>;
  /** @throws {LoginError} `usage` if there is none */
  apiKey(signal: AbortSignal): Promise<string>;
  /** @throws {LoginError} `usage` if there is none */
  adminKey(signal: AbortSignal): Promise<string>;
  /** @throws {LoginError} `usage` if there is none */
  webhookToken(signal: AbortSignal): Promise<string>;
  readonly passwords: Passwords;
}

export interface Passwords {
  /** The password that was given with the command; null if there is none. */
  given(): string | null;
  /** Call it when the given password was wrong, so that it is not tried again. */
  forgetGiven(): void;
  /** Call it before a person is asked. From then on, typed text is not echoed. */
  prepare(): void;
  /**
   * Resolves to the next password, from stdin or a person, or to null if nobody gives one. It is
   * empty only if a person typed nothing. Rejects when the signal aborts.
   */
  next(signal: AbortSignal): Promise<string | null>;
}

type Wanted = Pick<LoginArguments, 'tokenFile' | 'passwordFile'> & { readonly instanceId: string | undefined };

/** Reads the password's file. @throws {LoginError} `usage` if it cannot be read */
export async function openSecrets({ variables, input, ask }: SecretsDeps, wanted: Wanted): Promise<Secrets> {
  const typed = async (question: string, signal: AbortSignal): Promise<string | null> => {
    if (!input.hasTerminal) return null;
    input.takeKeyboard(); // before the question: from then on nothing may be echoed
    ask(`${question} (not shown): `);
    const text = await input.typed(signal);
    ask('\n');
    return text;
  };
  return {
    async token(signal) {
      const { tokenFile, instanceId } = wanted;
      let token: string | null | undefined;
      if (tokenFile === undefined) token = variables.GREEN_API_TOKEN ?? (await typed(`API token of instance ${instanceId}`, signal));
      // At a terminal, a line of stdin comes from the keyboard.
      else if (tokenFile === '-') token = (await input.piped(signal)) ?? (await typed(`API token of instance ${instanceId}`, signal));
      else token = await readSecret('--token-file', tokenFile);
      return checkedToken(trimmed(token), tokenFile);
    },
    async apiKey(signal) {
      const key = trimmed(variables.QRCAST_API_KEY ?? (await typed('API key of the gateway', signal)));
      if (key === '') throw usageError('no API key for --gateway: set QRCAST_API_KEY, or run the command at a terminal to be asked');
      return asciiSecret('the API key', key);
    },
    async adminKey(signal) {
      const key = trimmed(variables.QRCAST_ADMIN_KEY ?? (await typed('admin key of the gateway', signal)));
      if (key === '') throw usageError('no admin key for --gateway: set QRCAST_ADMIN_KEY, or run the command at a terminal to be asked');
      return asciiSecret('the admin key', key);
    },
    async webhookToken(signal) {
      const token = trimmed(variables.QRCAST_WEBHOOK_TOKEN ?? (await typed('webhook token of the tenant', signal)));
      if (token === '')
        throw usageError('no webhook token for --set: set QRCAST_WEBHOOK_TOKEN, or run the command at a terminal to be asked');
      return asciiSecret('the webhook token', token);
    },
    passwords: createPasswords((await passwordOf(wanted.passwordFile)) ?? variables.QRCAST_ACCOUNT_PASSWORD, input),
  };
}

/**
 * Removes the spaces that people type or paste around a secret. Invisible characters are not
 * removed but refused.
 */
const trimmed = (text: string | null | undefined): string => text?.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '') ?? '';

/** @returns the secret if a header can hold it. @throws {LoginError} `usage` */
function asciiSecret(what: string, text: string): string {
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw usageError(`${what}: ${invisibleFault(text) ?? 'expected letters, digits and signs of ASCII without spaces'}`);
}

function checkedToken(token: string, tokenFile: string | undefined): string {
  if (API_TOKEN.test(token)) return token;
  if (token === '' && tokenFile === undefined) {
    throw usageError(
      'no API token: set GREEN_API_TOKEN, give --token-file <path> (- is stdin), or run the command at a terminal to be asked',
    );
  }
  const unseen = invisibleFault(token);
  if (unseen !== null) throw usageError(`the API token: ${unseen}`);
  throw usageError(`the API token: expected 8 to 256 characters of A-Z a-z 0-9 _ - (came: text of ${token.length} characters)`);
}

function createPasswords(given: string | undefined, input: SecretsDeps['input']): Passwords {
  let password = given === undefined || given === '' ? null : given;
  return {
    given: () => password,
    forgetGiven() {
      password = null;
    },
    prepare: () => input.takeKeyboard(),
    async next(signal) {
      let line = await input.piped(signal);
      while (line === '') line = await input.piped(signal);
      return line === null ? input.typed(signal) : checkedPassword('a password from stdin', line);
    },
  };
}

/**
 * @returns undefined if it comes as a line of stdin.
 * @throws {LoginError} `usage` if the file is not one line of text
 */
async function passwordOf(file: string | undefined): Promise<string | undefined> {
  if (file === undefined || file === '-') return undefined;
  const line = (await readSecret('--password-file', file)).replace(/(\r\n|\n|\r)$/, '');
  if (line === '') throw usageError('--password-file: expected a password in one line, and the file is empty');
  if (/[\r\n\v\f\x85\u2028\u2029]/.test(line)) throw usageError('--password-file: expected one line, and the file has more');
  return checkedPassword('--password-file', line);
}

function checkedPassword(what: string, text: string): string {
  const fault = typedFault(text);
  if (fault !== null) throw usageError(`${what}: ${fault}`);
  return text;
}

/** @returns the text of a file, without a byte-order mark. @throws {LoginError} `usage` */
async function readSecret(option: string, path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw usageError(`${option}: the file could not be read (${error.code ?? 'unknown reason'})`);
  });
  const text = decodeUtf8(bytes);
  if (text === null) throw usageError(`${option}: expected UTF-8 text; the file is in another encoding`);
  return text;
}
