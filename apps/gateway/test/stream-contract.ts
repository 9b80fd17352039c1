/**
 * For tests: checks what is sent over the streams against the AsyncAPI document. The stock clients
 * of the tests report each message that they get, each call that was accepted and each close.
 */

import { type AsyncApiDocument, asyncApiDocument } from '@qrcast/core/contract/asyncapi';
import { Ajv, type ValidateFunction } from 'ajv';
import { closed } from './contract.ts';

export type StreamId = 'websocket' | 'socketio' | 'sse';

export interface StreamContract {
  /** What was reported so far: `stream message.sent`, `stream message.received`, `close code`. */
  readonly seen: ReadonlySet<string>;
  /** Everything in the document, in the same form. */
  readonly promises: readonly string[];
  /**
   * A message of the server. @throws {Error} if the document does not allow it, like all that
   * follow.
   */
  told(stream: StreamId, name: string, payload: unknown, headers?: Readonly<Record<string, string>>): void;
  /** The answer to a message of the client. */
  answered(stream: StreamId, name: string, reply: unknown): void;
  /** A message of the client that was accepted. */
  taken(stream: StreamId, name: string, message: unknown): void;
  closed(number: number, word: string): void;
}

/** The codes that a client reports if no close frame came. */
const NO_CLOSE_FRAME: readonly number[] = [1005, 1006];

export function createStreamContract(
  document: AsyncApiDocument = asyncApiDocument({ serverUrl: 'http://127.0.0.1', version: '0' }),
): StreamContract {
  const faultsOf = createFaults(document);
  const seen = new Set<string>();

  function see(stream: StreamId, key: string, payload: unknown, headers?: Readonly<Record<string, string>>): void {
    const message = document.channels[stream]?.messages[key];
    if (message === undefined) throw new Error(`${stream} broke the contract: the message ${key} is not documented`);
    const faults = [
      ...faultsOf(`${pointerTo(stream, key)}/payload`, payload),
      ...(message.headers === undefined ? [] : faultsOf(`${pointerTo(stream, key)}/headers`, headers ?? {})),
    ];
    if (faults.length > 0) throw new Error(`${stream} ${key} broke the contract: ${faults.join('; ')}`);
    seen.add(`${stream} ${key}`);
  }

  function told(stream: StreamId, name: string, payload: unknown, headers?: Readonly<Record<string, string>>): void {
    see(stream, `${name}.sent`, payload, headers);
    if (name === 'closing') {
      const { number, code } = payload as { number: number; code: string }; // the schema was checked above
      seeClose(number, code);
    }
  }

  function seeClose(number: number, word: string): void {
    const known = document['x-close-codes'].some((one) => one.number === number && one.code === word);
    if (!known) throw new Error(`a stream broke the contract: the close code ${number} ${word} is not documented`);
    seen.add(`close ${word}`);
  }

  return {
    seen,
    promises: promisesOf(document),
    told,
    answered(stream, name, reply) {
      const keys = repliesTo(document, stream, name);
      const fitting = keys.find((key) => faultsOf(`${pointerTo(stream, key)}/payload`, reply).length === 0);
      if (fitting === undefined) throw new Error(`${stream} ${name} broke the contract: ${keys.join(' or ')} was to answer it`);
      seen.add(`${stream} ${fitting}`);
    },
    taken(stream, name, message) {
      see(stream, `${name}.received`, message);
    },
    closed(number, word) {
      if (!NO_CLOSE_FRAME.includes(number)) seeClose(number, word);
    },
  };
}

const pointerTo = (stream: StreamId, key: string): string => `#/channels/${stream}/messages/${key}`;

/** The keys of the messages that may answer a call. @throws {Error} if the call is not documented */
function repliesTo(document: AsyncApiDocument, stream: StreamId, name: string): readonly string[] {
  const { reply } = document.operations[`${stream}.${name}.received`] ?? {};
  if (reply === undefined) throw new Error(`${stream} broke the contract: the call ${name} is not documented`);
  return reply.messages.map(({ $ref }) => $ref.split('/').at(-1) ?? '');
}

function promisesOf(document: AsyncApiDocument): readonly string[] {
  return [
    ...Object.entries(document.channels).flatMap(([stream, { messages }]) => Object.keys(messages).map((key) => `${stream} ${key}`)),
    ...document['x-close-codes'].map(({ code }) => `close ${code}`),
  ];
}

/** Returns what is wrong with a value, by the schema at a pointer of the document. */
function createFaults(document: AsyncApiDocument): (pointer: string, value: unknown) => string[] {
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addSchema(closed(document) as object, 'contract');
  const validators = new Map<string, ValidateFunction>();
  return (pointer, value) => {
    const validate = validators.get(pointer) ?? ajv.compile({ $ref: `contract${pointer}` });
    validators.set(pointer, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
  };
}

/** For all streams that the clients of a test open. */
export const streamContract = createStreamContract();
