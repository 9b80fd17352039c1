/** `/healthz`: the process is alive. `/readyz`: it delivers now; red while Redis is out, the queue is silent, or it drains. */

import type { FastifyInstance } from 'fastify';

export function addOpsRoutes(app: FastifyInstance, ready: () => Promise<void>): void {
  app.get('/healthz', async () => ({ status: 'alive' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      await ready();
      return { status: 'ready' };
    } catch {
      // Which of the three, the log tells; an error's text may hold addresses.
      return reply.status(503).send({ status: 'not ready', reason: 'draining, or Redis or the queue does not answer' });
    }
  });
}
