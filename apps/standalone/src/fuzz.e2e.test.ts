/** The short form of the fuzz: every inbound edge once, on one set of roles. ARCHITECTURE.md tells how to repeat and lengthen it. */

import type {} from '@qrcast/runtime/test-redis'; // what `inject` knows
import { inject, it } from 'vitest';
import { describeFuzz } from './fuzz/describe-fuzz.ts';

describeFuzz({ runs: 8, redisUrl: inject('redisUrl') }, ({ run, edges }) => {
  it('over HTTP', () => run(edges.http));
  it('in WebSocket frames', () => run(edges.webSocket));
  it('in Socket.IO packets', () => run(edges.socketIo));
  it('in notifications', () => run(edges.notifications));
  it("in the provider's answers", () => run(edges.providerAnswers));
  it("in the provider's answers to a worker", () => run(edges.polled, 1 / 8));
  it('in Redis', () => run(edges.redis, 1 / 8));
  it('in the environment', () => run(edges.settings));
  it('in the environment of a process', () => run(edges.roleEnvironment, 1 / 8));
  it('in files and piped input', () => run(edges.files));
});
