/**
 * Workers in processes of their own are killed between a session's change and its delivery. Nothing
 * is lost. The release suite kills them at every point.
 */

import { afterEach, describe, expect, it } from 'vitest';
import { closeScenes, openScene } from '../test/callback-scene.ts';

afterEach(closeScenes);

describe('a callback', () => {
  it('of a change made while no worker runs is sent by the next worker', async () => {
    const { server, end, told, startWorker } = await openScene();
    const sessionId = await end();
    await startWorker();
    await server.until(1);
    expect([...told().sessions]).toEqual([sessionId]);
  });

  it('under way when its worker is killed is sent again by another, with the same id', async () => {
    const { server, end, startWorker } = await openScene();
    server.answer(() => () => undefined); // never
    const worker = await startWorker();
    await end();
    const [first] = await server.until(1);
    await worker.kill();
    server.answer(() => 204);
    await startWorker();
    const [, second] = await server.until(2);
    expect(second?.id).toBe(first?.id);
  });
});
