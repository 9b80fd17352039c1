/**
 * For tests: holds what goes over the streams against the AsyncAPI document. The stock clients of the tests ask here with each message that
 * they get, each call that was accepted and each close.
 */

import { type AsyncApiDocument, asyncApiDocument } from '@qrcast/core/contract/asyncapi';
import { Ajv, type ValidateFunction } from 'ajv';
import { closed } from './contract.ts';

export type StreamId = 'websocket' | 'socketio' | 'sse';

export interface StreamContract {
  /** All that came by so far: `stream message.sent`, `stream message.received`, `close word`. */
  readonly seen: ReadonlySet<string>;
  /** All there is in the document, in the same words. */
  readonly promises: readonly string[];
  /** A message of the server. @throws {Error} naming what the document does not say, like all that follow. */
  told(stream: StreamId, name: string, payload: unknown, headers?: Readonly<Record<string, string>>): void;
  /** What answered a message of the client. */
  answered(stream: StreamId, name: string, reply: unknown): void;
  /** A message of the client that was accepted: the document must allow it. */
  taken(stream: StreamId, name: string, message: unknown): void;
  closed(number: number, word: string): void;
}

/** What a client reads where no close frame came. */
const NO_CLOSE_FRAME: readonly number[] = [1005, 1006];

export function createStreamContract(
  document: AsyncApiDocument = asyncApiDocument({ serverUrl: 'http://127.0.0.1', version: '0' }),
): StreamContract {
  const ajv = new Ajv({ strict: false, allErrors: true });
  ajv.addSchema(closed(document) as object, 'contract');
  const seen = new Set<string>();
  const validators = new Map<string, ValidateFunction>();

  function faultsOf(pointer: string, value: unknown): string[] {
    const validate = validators.get(pointer) ?? ajv.compile({ $ref: `contract${pointer}` });
    validators.set(pointer, validate);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
  }

  const pointerTo = (stream: StreamId, key: string): string => `#/channels/${stream}/messages/${key}`;

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
      const { number, code } = payload as { number: number; code: string }; // as the schema has just said
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
    promises: [
      ...Object.entries(document.channels).flatMap(([stream, { messages }]) => Object.keys(messages).map((key) => `${stream} ${key}`)),
      ...document['x-close-codes'].map(({ code }) => `close ${code}`),
    ],
    told,
    answered(stream, name, reply) {
      const { reply: documented } = document.operations[`${stream}.${name}.received`] ?? {};
      if (documented === undefined) throw new Error(`${stream} broke the contract: the call ${name} is not documented`);
      const keys = documented.messages.map(({ $ref }) => $ref.split('/').at(-1) ?? '');
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

/** Of all streams that a test's clients open. */
export const streamContract = createStreamContract();
