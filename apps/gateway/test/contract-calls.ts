/** For tests: calls of an operation of the OpenAPI document, with what it needs to succeed. */

import { callbackOf } from '@qrcast/core/callback';
import { createCallbackLog } from '@qrcast/runtime/callbacks/callback-log';
import { createLog } from '@qrcast/runtime/log';
import { sampleSession } from '@qrcast/runtime/test/runtime';
import type { ContractGateways } from './contract-gateways.ts';
import { type Operation, pathOf } from './contract-operations.ts';
import { ADMIN_KEY, type Answer, type Body, type CallOptions, type TestGateway } from './gateway.ts';

/** Brings an answer to the operation about. */
export type Bring = (operation: Operation) => Promise<Answer>;

export interface ContractCalls {
  secretOf(operation: Operation): string;
  /** What the path names, if it names something that exists. */
  idFor(operation: Operation): Promise<string>;
  /** By the operation's own credential, for what the path names, unless the caller names others. */
  call(operation: Operation, options?: CallOptions, id?: string, by?: TestGateway): Promise<Answer>;
  create(): Promise<Body>;
  /** Resolves to the id of a session. */
  waitingForPassword(): Promise<string>;
}

export function createContractCalls({ test, apiUrl }: ContractGateways): ContractCalls {
  const create = (): Promise<Body> => test.create({ apiUrl });

  const secretOf = ({ credential }: Operation): string =>
    ({ adminKey: ADMIN_KEY, webhookToken: test.tenant.webhookToken })[credential ?? ''] ?? test.tenant.apiKey;

  /** Does what a worker would for a session that ended. */
  async function logCallback(): Promise<string> {
    const before = sampleSession({ tenantId: test.tenant.id });
    const callback = callbackOf(before, { ...before, version: 2, state: { kind: 'ended', reason: 'cancelled' } }, Date.now());
    if (callback === null) throw new Error('an end is to be told');
    await createCallbackLog({ redis: test.node.redis, namespace: test.namespace, log: createLog('test', 'silent') }).add(callback);
    return callback.id;
  }

  async function idFor({ path }: Operation): Promise<string> {
    if (/^\/(v1\/(admin\/)?sessions|connect)\//.test(path)) return (await create()).session.id;
    if (path.startsWith('/v1/callbacks/')) return logCallback();
    return path.startsWith('/v1/tickets/') ? 'tkt_none' : test.tenant.id;
  }

  return {
    secretOf,
    idFor,
    create,
    async call(operation, options = {}, id = undefined, by = test) {
      return by.call(operation.method, pathOf(operation, id ?? (await idFor(operation))), { secret: secretOf(operation), ...options });
    },
    async waitingForPassword() {
      const { session } = await create();
      await test.call('GET', `/v1/sessions/${session.id}`);
      await test.answer(session.id, { kind: 'passwordWanted' });
      return session.id;
    },
  };
}
