/** For tests: writes into the list of a tenant's sessions. */

import type { TestGateway, TestTenant } from './gateway.ts';

/** Adds one entry by hand, as of a session that was created then. */
export const addToList = ({ node, namespace }: TestGateway, tenant: TestTenant, id: string, createdAt: number): Promise<unknown> =>
  node.redis.zadd(`${namespace}:{tenant:${tenant.id}}:sessions`, createdAt, id);
