/** Transports over which nothing arrives, with a clock that the test moves. */

import { describe, expect, it, vi } from 'vitest';
import { prepareConnections } from '../test/kept-connection.ts';
import { showing } from '../test/session.ts';
import { LOST } from './closed.ts';

const { open } = prepareConnections();
const openAuto = () => open({}, ['websocket', 'sse', 'long-poll']);

/** The longest random wait. */
const unlucky = (): void => void vi.spyOn(Math, 'random').mockReturnValue(0.999);

describe('a code comes by long-poll within 10 s', () => {
  it('if the WebSocket is refused and a proxy blocks the stream', async () => {
    unlucky();
    const { script, last, untilNext } = await openAuto();
    last().onClosed(LOST);
    let ms = untilNext();
    last().onClosed(LOST);
    ms += untilNext();
    ms += untilNext(); // nothing arrives
    expect(script.opened.map(({ transport }) => transport)).toEqual(['websocket', 'websocket', 'sse', 'long-poll']);
    expect(ms).toBeLessThan(10_000);
  });

  it('if a proxy blocks both', async () => {
    const { script, untilNext, told } = await openAuto();
    expect(untilNext() + untilNext()).toBeLessThan(10_000);
    expect(script.opened.map(({ transport, isClosed }) => [transport, isClosed])).toEqual([
      ['websocket', true],
      ['sse', true],
      ['long-poll', false],
    ]);
    expect(told.at(-1)).toMatchObject({ status: 'retrying', code: null });
  });

  it('if a stream begins but brings no state', async () => {
    const { script, last, untilNext } = await openAuto();
    last().onClosed(LOST);
    untilNext();
    last().onClosed(LOST);
    untilNext();
    last().onOpen();
    untilNext();
    expect(script.last().transport).toBe('long-poll');
    last().onOpen();
    last().onSession(showing(1));
    vi.advanceTimersByTime(60_000);
    last().onClosed(LOST);
    untilNext();
    expect(script.last().transport, 'and not the one again that brought nothing').toBe('long-poll');
  });
});

describe('silence', () => {
  it('gets a longer wait for the last or only transport, and then the backoff', async () => {
    const { script, untilNext } = await open({}, ['sse']);
    expect([untilNext(), untilNext()]).toEqual([10_500, 11_000]);
    expect(script.opened).toHaveLength(3);
  });

  it('does not end a connection that asked only for newer states', async () => {
    const { script, last, setVersion, untilNext } = await openAuto();
    setVersion(6);
    last().onClosed(LOST);
    untilNext();
    expect(script.last().request.after).toBe(6);
    last().onOpen();
    vi.advanceTimersByTime(60_000);
    expect(script.last().isClosed).toBe(false);
  });

  it('counts as a network failure if the transport worked here before: it gets two tries', async () => {
    const { script, last, setVersion, untilNext } = await openAuto();
    last().onOpen();
    last().onSession(showing(1));
    setVersion(1);
    last().onClosed(LOST);
    for (let i = 0; i < 3; i++) untilNext();
    expect(script.opened.map(({ transport }) => transport)).toEqual(['websocket', 'websocket', 'websocket', 'sse']);
  });
});
