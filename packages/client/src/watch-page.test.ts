/** A watch while its page is hidden and shown, and while its machine is offline or asleep. */

import { describe, expect, it, vi } from 'vitest';
import { SERVER, showing } from '../test/session.ts';
import { prepareWatches } from '../test/watch.ts';
import { LOST } from './closed.ts';

const { open } = prepareWatches();

describe('the page', () => {
  function stubPage(visibilityState = 'visible') {
    const window = new EventTarget();
    const document = Object.assign(new EventTarget(), { visibilityState });
    vi.stubGlobal('document', document);
    vi.stubGlobal('addEventListener', window.addEventListener.bind(window));
    return {
      window,
      become(state: string) {
        document.visibilityState = state;
        document.dispatchEvent(new Event('visibilitychange'));
      },
    };
  }

  it('says whether anybody can see it', async () => {
    const page = stubPage('hidden');
    const { script, watch } = await open();
    expect(script.last().request.visible).toBe(false);
    page.become('visible');
    page.become('hidden');
    expect(script.last().visible).toEqual([true, false]);
    watch.close();
    page.become('visible');
    expect(script.last().visible).toHaveLength(2);
  });

  it('is not used if the option says it', async () => {
    const page = stubPage('hidden');
    const fixed = await open({ visible: true });
    expect(fixed.script.last().request.visible).toBe(true);
    const later = await open();
    later.watch.setVisible(true);
    page.become('visible');
    page.become('hidden');
    expect([fixed.script.last().visible, later.script.last().visible]).toEqual([[], [true]]);
  });

  it('is used again when the override ends', async () => {
    const page = stubPage('visible');
    const { script, watch } = await open({ visible: false });
    watch.setVisible(null);
    page.become('hidden');
    watch.setVisible(false);
    page.become('visible');
    watch.setVisible(null);
    expect(script.last().visible).toEqual([true, false, false, true]);
  });

  it.each([
    ['online', 500],
    ['visible', 3_500],
  ])('makes a waiting try begin sooner when it is %s', async (what, ms) => {
    const page = stubPage('hidden');
    const { server, script } = await open();
    for (let i = 0; i < 5; i++) {
      server().onClosed(LOST);
      vi.advanceTimersByTime(10_000);
    }
    server().onClosed(LOST); // 7.5 s
    const before = script.opened.length;
    if (what === 'online') page.window.dispatchEvent(new Event('online'));
    else page.become('visible');
    vi.advanceTimersByTime(ms - 1);
    expect(script.opened).toHaveLength(before);
    vi.advanceTimersByTime(1);
    expect(script.opened).toHaveLength(before + 1);
  });

  it('that wakes up shows no stale code, even before a timer runs', async () => {
    const page = stubPage('hidden');
    const { server, watch } = await open();
    server().onOpen();
    server().onSession(showing(1, 20_000));
    vi.setSystemTime(Date.now() + 600_000); // asleep: only the wall clock went on
    page.window.dispatchEvent(new Event('pageshow'));
    expect(watch.snapshot.session?.code).toBeNull();
  });
});

describe('a machine that slept', () => {
  it('is noticed within a second: the code is removed, and a new connection asks for the complete state', async () => {
    const { server, watch, script, told } = await open();
    server().onOpen();
    server().onSession(showing(3, 20_000));
    vi.setSystemTime(Date.now() + 600_000);
    vi.advanceTimersByTime(1_000);
    expect(watch.snapshot.session?.code).toBeNull();
    expect(told).toEqual(['open', 'session 3', 'stale 3', 'retrying']);
    vi.advanceTimersByTime(500);
    expect(script.opened).toHaveLength(2);
    expect(script.last().request.after).toBe(0);
    server().onOpen();
    server().onSession({ ...showing(3, 20_000), serverNow: SERVER + 1_500 });
    expect(told.slice(4), 'somebody had only set the clock').toEqual(['open', 'fresh 3']);
    vi.advanceTimersByTime(5_000);
    expect(script.opened).toHaveLength(2);
  });
});
