import { createLog } from '@qrcast/runtime/log';
import { createMeters } from '@qrcast/runtime/metrics/meters';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';
import { expect, it } from 'vitest';
import { holderOf } from '../../test/principal.ts';
import { type HubDeps, openHub } from './hub.ts';
import { createStreamMeters } from './stream-meters.ts';
import type { Subscribe } from './watched-session.ts';

it('a Redis that lost the versions of all sessions is logged once, and each session is renumbered', async () => {
  const logged: string[] = [];
  const renumbered: string[] = [];
  const sessions: Partial<Sessions> = {
    watch(_id, _onChange, onOlder) {
      queueMicrotask(() => onOlder?.(7));
      return { first: new Promise(() => undefined), close: () => undefined };
    },
    async renumber(id) {
      renumbered.push(id);
      return null;
    },
  };
  const deps: Partial<HubDeps> = {
    sessions: sessions as Sessions,
    clock: { now: Date.now },
    viewerCounts: { report: async () => 0, sumOf: () => 0 },
    log: createLog('test', 'info', { write: (line) => void logged.push(JSON.parse(line).msg) }),
    streamMeters: createStreamMeters(createMeters()),
    renewEveryMs: 3_600_000,
  };
  const hub = openHub(deps as HubDeps); // nothing else is used before a session was read
  for (const sessionId of ['ses_1', 'ses_2', 'ses_3']) {
    const viewer: Partial<Subscribe> = {
      sessionId,
      by: holderOf('tkt_1'),
      isVisible: false,
      sink: { transport: 'sse', send: () => null, close: () => undefined } as never,
    };
    hub.subscribe(viewer as Subscribe);
  }
  await Promise.resolve();
  await hub.close();
  expect(renumbered).toEqual(['ses_1', 'ses_2', 'ses_3']);
  expect(logged).toEqual([
    'viewers name versions above those in Redis: it has lost data, or they are wrong; the sessions go on above them',
  ]);
});
