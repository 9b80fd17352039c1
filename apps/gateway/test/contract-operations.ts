/** For tests: the operations of the OpenAPI document. */

import { openApiDocument } from '@qrcast/core/contract/openapi';

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** The kind of its credential: the last one that the document names. */
  readonly credential: string | undefined;
  readonly scope: string | undefined;
}

export const OPERATIONS: readonly Operation[] = Object.entries(
  openApiDocument({ serverUrl: 'http://127.0.0.1', version: '0' }).paths,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { operationId, security }]) => {
    const [credential, scopes = []] = Object.entries(security.at(-1) ?? {})[0] ?? [];
    return { id: operationId, method: method.toUpperCase(), path, credential, scope: scopes[0] };
  }),
);

export const pathOf = ({ path }: Operation, id: string): string => path.replace(/\{\w+\}/g, id);
