/**
 * The secrets of the commands, each from the environment, a file, stdin or a person: the instance's token, a gateway's API key, the account's
 * password, the tenant's webhook token. They are taken out of the environment, so that no child process inherits them, and stand in no message.
 */

import { readFile } from 'node:fs/promises';
import { API_TOKEN } from '@qrcast/core/credential-forms';
import { invisibleFault, typedFault } from '@qrcast/core/invisible';
import { decodeUtf8 } from '@qrcast/core/utf8';
import { forgetVariable, readVariable } from '@qrcast/runtime/process/environment';
import { type LoginArguments, usageError } from '../cli-arguments.ts';
import type { Input } from './input.ts';

export type SecretVariables = Readonly<
  Record<'GREEN_API_TOKEN' | 'QRCAST_API_KEY' | 'QRCAST_ACCOUNT_PASSWORD' | 'QRCAST_WEBHOOK_TOKEN', string | undefined>
>;

/** How each must look, beside what the one who takes it wants. */
const FAULT_OF: Readonly<Record<keyof SecretVariables, (text: string) => string | null>> = {
  GREEN_API_TOKEN: invisibleFault,
  QRCAST_API_KEY: invisibleFault,
  QRCAST_ACCOUNT_PASSWORD: typedFault,
  QRCAST_WEBHOOK_TOKEN: invisibleFault,
};

/** Reads them and forgets them. An empty variable counts as unset. @throws {LoginError} `usage` for an invisible character in one. */
export function takeSecrets(env: NodeJS.ProcessEnv): SecretVariables {
  const names = Object.keys(FAULT_OF) as (keyof SecretVariables)[]; // its own keys
  const taken = names.map((name) => [name, readVariable(env, name)] as const);
  for (const name of names) forgetVariable(env, name);
  const faults = taken.flatMap(([name, text]) => {
    const fault = text === undefined ? null : FAULT_OF[name](text);
    return fault === null ? [] : [`${name}: ${fault}`];
  });
  if (faults.length > 0) throw usageError(faults.join('; '));
  return Object.fromEntries(taken) as SecretVariables; // of all its names
}

export interface SecretsDeps {
  readonly variables: SecretVariables;
  readonly input: Pick<Input, 'takeKeyboard' | 'typed' | 'piped' | 'hasTerminal'>;
  /** Where a person reads what is wanted. */
  readonly ask: (question: string) => void;
}

export interface Secrets {
  /** @throws {LoginError} `usage` if there is none, or what there is cannot be one. */
  token(signal: AbortSignal): Promise<string>;
  /** @throws {LoginError} `usage` if there is none. */
  apiKey(signal: AbortSignal): Promise<string>;
  /** @throws {LoginError} `usage` if there is none. */
  webhookToken(signal: AbortSignal): Promise<string>;
  readonly passwords: Passwords;
}

export interface Passwords {
  /** The one given with the command; null if there is none. */
  given(): string | null;
  /** The given one was wrong: it is not tried again. */
  forgetGiven(): void;
  /** To be called before a person is asked: from then on nothing that is typed is echoed. */
  prepare(): void;
  /** The next one, from stdin or a person; null if nobody gives one. Empty only if a person typed nothing. Rejects when aborted. */
  next(signal: AbortSignal): Promise<string | null>;
}

type Wanted = Pick<LoginArguments, 'tokenFile' | 'passwordFile'> & { readonly instanceId: string | undefined };

/** Reads the password's file. @throws {LoginError} `usage` if that cannot be read. */
export async function openSecrets({ variables, input, ask }: SecretsDeps, wanted: Wanted): Promise<Secrets> {
  const typed = async (question: string, signal: AbortSignal): Promise<string | null> => {
    if (!input.hasTerminal) return null;
    input.takeKeyboard(); // first: from the question on nothing may be echoed
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
      // At a terminal a line of stdin is a line of the keyboard.
      else if (tokenFile === '-') token = (await input.piped(signal)) ?? (await typed(`API token of instance ${instanceId}`, signal));
      else token = await readSecret('--token-file', tokenFile);
      return checkedToken(trimmed(token), tokenFile);
    },
    async apiKey(signal) {
      const key = trimmed(variables.QRCAST_API_KEY ?? (await typed('API key of the gateway', signal)));
      if (key === '') throw usageError('no API key for --gateway: set QRCAST_API_KEY, or run the command at a terminal to be asked');
      return asciiSecret('the API key', key);
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

/** Without what people type or paste around it; what nobody sees is not taken off but refused. */
const trimmed = (text: string | null | undefined): string => text?.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '') ?? '';

/** For a header. @throws {LoginError} `usage` */
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

/** Undefined where it is a line of stdin. @throws {LoginError} `usage` if it is not one line of text. */
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

/** The text of a file, without a byte-order mark. @throws {LoginError} `usage` */
async function readSecret(option: string, path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw usageError(`${option}: the file could not be read (${error.code ?? 'unknown reason'})`);
  });
  const text = decodeUtf8(bytes);
  if (text === null) throw usageError(`${option}: expected UTF-8 text; the file is in another encoding`);
  return text;
}
