/**
 * `/healthz`: the process is alive. `/readyz`: it can serve now. If it cannot, the answer says why:
 * what is wrong with Redis, or that the gateway drains.
 */

import { notReadyReason } from '@qrcast/runtime/redis/connections';
import type { FastifyInstance } from 'fastify';

export function addOpsRoutes(app: FastifyInstance, ready: () => Promise<void>): void {
  app.get('/healthz', async () => ({ status: 'alive' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      await ready();
      return { status: 'ready' };
    } catch (error) {
      return reply.status(503).send({ status: 'not ready', reason: notReadyReason(error) });
    }
  });
}
