// @vitest-environment happy-dom

import { act, createElement, StrictMode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connected, SERVER, showing } from '../test/session.ts';
import { createScript, type Script } from '../test/transport.ts';
import { type UsedSession, useSession } from './react.ts';
import type { WatchOptions } from './types.ts';

let root: Root;
let script: Script;
/** Of each rendering. */
const rendered: UsedSession[] = [];

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  root = createRoot(document.createElement('div'));
  script = createScript();
  rendered.length = 0;
});
afterEach(async () => {
  await act(() => root.unmount());
  vi.unstubAllGlobals();
});

function Screen({ options }: { readonly options: WatchOptions | null }): string {
  const used = useSession(options);
  rendered.push(used);
  return used.session === null ? used.connection.status : `${used.session.state} ${used.session.version}`;
}

const optionsOf = (fields: Partial<WatchOptions> = {}): WatchOptions => ({
  url: 'https://qrcast.example.com',
  ticket: 'first',
  transport: script.transport(),
  ...fields,
});
const render = (options: WatchOptions | null) => act(async () => root.render(createElement(Screen, { options })));
const last = (): UsedSession | undefined => rendered.at(-1);

describe('useSession', () => {
  it('shows what the watch shows, from the first rendering on', async () => {
    await render(optionsOf());
    expect(rendered[0]).toMatchObject({ session: null, connection: { status: 'connecting' } });
    const { handlers } = script.last();
    await act(() => handlers.onOpen());
    expect(last()?.connection).toEqual({ status: 'open', transport: 'websocket' });
    expect(last()?.serverNow()).toBeNull();
    await act(() => handlers.onSession(showing(2)));
    expect(last()?.session).toEqual(showing(2));
    expect(last()?.serverNow()).toBeGreaterThanOrEqual(SERVER);
    await act(() => handlers.onSession(connected(3)));
    expect(last()).toMatchObject({ session: { state: 'connected' }, connection: { status: 'closed' } });
  });

  it('keeps its watch if only the identity of the options changes', async () => {
    await render(optionsOf({ formats: ['text'], renewTicket: async () => 'a' }));
    const { sendPassword, resume, startOver, serverNow } = last() as UsedSession; // just rendered
    await render(optionsOf({ formats: ['text'], renewTicket: async () => 'b' }));
    expect(script.opened).toHaveLength(1);
    expect([last()?.sendPassword, last()?.resume, last()?.startOver, last()?.serverNow]).toEqual([
      sendPassword,
      resume,
      startOver,
      serverNow,
    ]);
    const { handlers } = script.last();
    await act(async () => handlers.onClosed({ code: 'ticket_expired', detail: null, retryable: false, retryAfterMs: 0 }));
    expect(script.last().request.ticket, 'by the newest callback').toBe('b');
  });

  it('opens a new watch for another ticket, and never shows the old session with it', async () => {
    await render(optionsOf());
    await act(() => script.last().handlers.onSession(showing(9)));
    const before = rendered.length;
    await render(optionsOf({ ticket: 'second' }));
    expect(rendered.slice(before).map(({ session }) => session)).toEqual(rendered.slice(before).map(() => null));
    expect(script.opened.map(({ request, isClosed }) => [request.ticket, isClosed])).toEqual([
      ['first', true],
      ['second', false],
    ]);
    await act(() => script.last().handlers.onSession(showing(1)));
    expect(last()?.session?.version).toBe(1);
  });

  it('watches nothing for null, and again after it', async () => {
    await render(null);
    expect(last()).toMatchObject({ session: null, connection: { status: 'closed' } });
    expect(await last()?.resume()).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    expect(await last()?.startOver()).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    expect(await last()?.sendPassword('x')).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    await render(optionsOf());
    await act(() => script.last().handlers.onSession(showing(4)));
    await render(null);
    expect(last()).toMatchObject({ session: null, connection: { status: 'closed' } });
    expect(script.last().isClosed).toBe(true);
    const before = rendered.length;
    await render(optionsOf());
    expect(
      rendered.slice(before).map(({ connection }) => connection.status),
      'nothing of the closed one',
    ).toEqual(['connecting', 'connecting']);
    expect(script.opened).toHaveLength(2);
  });

  it('closes when it is unmounted', async () => {
    await render(optionsOf());
    await act(() => root.unmount());
    expect(script.last().isClosed).toBe(true);
    root = createRoot(document.createElement('div'));
  });

  it('opens one connection under StrictMode, which mounts twice', async () => {
    await act(async () => root.render(createElement(StrictMode, null, createElement(Screen, { options: optionsOf() }))));
    expect(script.opened.map(({ isClosed }) => isClosed)).toEqual([false]);
    await act(() => script.last().handlers.onSession(showing(2)));
    expect(last()?.session?.version).toBe(2);
  });

  it('follows `visible`', async () => {
    await render(optionsOf({ visible: true }));
    await render(optionsOf({ visible: false }));
    await render(optionsOf({ visible: true }));
    expect(script.opened.map(({ request, visible }) => [request.visible, visible])).toEqual([[true, [false, true]]]);
  });

  it('throws a wrong option to the nearest error boundary', async () => {
    await expect(render(optionsOf({ url: '' }))).rejects.toThrow('options.url');
  });

  it('renders `connecting` on a server, and opens nothing', () => {
    expect(renderToString(createElement(Screen, { options: optionsOf() }))).toBe('connecting');
    expect(renderToString(createElement(Screen, { options: null }))).toBe('closed');
    expect(script.opened).toEqual([]);
  });
});
