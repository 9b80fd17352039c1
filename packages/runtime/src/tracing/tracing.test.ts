/** Without an SDK. traces.e2e.test.ts of apps/standalone has one. */

import { expect, it } from 'vitest';
import { activeTraceparent, beginApart, beginBelow, flushTraces, type Note, traced, tracedWithin } from './tracing.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

it.each([
  ['a span that begins a trace', traced],
  ['a span below another', tracedWithin],
])('%s only runs, and passes nothing on', async (_, run) => {
  const seen = await run('poll', {}, async (note: Note) => {
    note({ 'qrcast.changed': true });
    return { traceparent: activeTraceparent(), nested: await tracedWithin('commit', {}, async () => 'nested') };
  });
  expect(seen).toEqual({ traceparent: null, nested: 'nested' });
});

it.each([traced, tracedWithin])('a fault is thrown as it came', async (run) => {
  const fault = new Error('the fault');
  await expect(run('poll', {}, () => Promise.reject(fault))).rejects.toBe(fault);
});

it.each([TRACEPARENT, '', '01-aa', `${TRACEPARENT}-more`])('below %j nothing is recorded, and no attribute is looked up', (traceparent) => {
  const end = beginBelow('deliver', traceparent, () => expect.unreachable());
  end();
  beginApart('subscribe', {})(traceparent);
});

it('flushing does nothing', () => expect(flushTraces(60_000)).resolves.toBeUndefined());
