/**
 * `/healthz`: the process is alive. `/readyz`: it can serve now. It is red while Redis is out, the
 * queue does not answer, or the gateway drains.
 */

import type { FastifyInstance } from 'fastify';

export function addOpsRoutes(app: FastifyInstance, ready: () => Promise<void>): void {
  app.get('/healthz', async () => ({ status: 'alive' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      await ready();
      return { status: 'ready' };
    } catch {
      // The log says which of the three it is; the text of an error may hold addresses.
      return reply.status(503).send({ status: 'not ready', reason: 'draining, or Redis or the queue does not answer' });
    }
  });
}
