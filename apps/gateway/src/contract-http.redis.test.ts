/**
 * The OpenAPI document and the running gateway agree. Each answer that the document promises is
 * produced here. In every test that calls the gateway, `contract.check` makes sure that no other
 * answer is given.
 */

import { ERRORS } from '@qrcast/core/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contractAnswers } from '../test/contract-answers.ts';
import { type Bring, type ContractCalls, createContractCalls } from '../test/contract-calls.ts';
import { type ContractGateways, openContractGateways } from '../test/contract-gateways.ts';
import { OPERATIONS, type Operation } from '../test/contract-operations.ts';
import { contractRefusals } from '../test/contract-refusals.ts';
import { type Answer, contract } from '../test/gateway.ts';

let gateways: ContractGateways;
let calls: ContractCalls;
let answers: Readonly<Record<string, Bring>>;
let refusals: Readonly<Record<string, Bring>>;
beforeAll(async () => {
  gateways = await openContractGateways();
  calls = createContractCalls(gateways);
  answers = contractAnswers(gateways, calls);
  refusals = contractRefusals(gateways, calls);
});
afterAll(() => gateways.close());

/** Asks for a file again with its ETag, which is answered 304. */
async function unchanged(operation: Operation): Promise<Answer> {
  const { headers } = await calls.call(operation);
  return calls.call(operation, { headers: { 'if-none-match': headers.get('etag') ?? '' } });
}

function bringAbout(promise: string): Promise<Answer> {
  const [id, status, code] = promise.split(' ');
  const operation = OPERATIONS.find((one) => one.id === id);
  if (operation === undefined) throw new Error(`there is no operation ${id}`);
  const special = answers[promise];
  if (special !== undefined) return special(operation);
  if (code === 'not_resumable' || code === undefined) return status === '304' ? unchanged(operation) : calls.call(operation);
  const refused = refusals[code];
  if (refused === undefined) throw new Error(`nothing here brings ${promise} about; is it still answered?`);
  return refused(operation);
}

describe('what the document promises is what the gateway answers', () => {
  it.each(contract.promises)('%s', async (promise) => {
    const { status, body, text } = await bringAbout(promise);
    const [id, ...promised] = promise.split(' ');
    expect([String(status), ...(body.code === undefined ? [] : [body.code])], `${id} answered ${text.slice(0, 300)}`).toEqual(promised);
  });

  it('every error code is among them', () => {
    const promised = new Set(contract.promises.map((promise) => promise.split(' ')[2]));
    expect(Object.keys(ERRORS).filter((code) => !promised.has(code))).toEqual([]);
  });
});
