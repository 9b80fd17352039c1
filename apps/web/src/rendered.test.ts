// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { prepareElement, URL } from '../test/login-element.ts';
import { CONNECTED, SHOWING } from '../test/watch.ts';

const { watches, heard, create, last } = prepareElement();
const HIDDEN = { url: URL, ticket: 't1', visible: false };

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => {
  document.body.replaceChildren();
  expect(vi.getTimerCount(), 'timers that are left').toBe(0);
});

function createIn(style: string) {
  const parent = document.createElement('div');
  parent.style.cssText = style;
  document.body.append(parent);
  return { parent, login: create(undefined, parent) };
}

describe('an element that is not rendered', () => {
  it.each([
    ['display: none', 'display: block'],
    ['visibility: hidden', 'visibility: visible'],
  ])('has a watch that counts as hidden, while its parent has %s', async (hidden, shown) => {
    const { parent, login } = createIn(hidden);
    await login.updateComplete;
    expect(last().options).toEqual(HIDDEN);
    vi.advanceTimersByTime(5_000);
    expect(last().visible).toEqual([]);
    parent.style.cssText = shown;
    vi.advanceTimersByTime(1_000);
    expect(last().visible, 'the document decides from now on').toEqual([null]);
    parent.style.cssText = hidden;
    vi.advanceTimersByTime(1_000);
    expect(last().visible).toEqual([null, false]);
    expect(watches).toHaveLength(1);
  });

  it('still sends its events to the page', async () => {
    const { login } = createIn('display: none');
    await login.updateComplete;
    last().tell(CONNECTED);
    expect(heard.map(({ type }) => type)).toEqual(['qrcast-session', 'qrcast-connected']);
  });

  it('that has no box of its own is judged by what is drawn in it', async () => {
    const login = create();
    login.style.display = 'contents';
    await login.updateComplete;
    expect([last().options, last().visible]).toEqual([HIDDEN, [null]]);
  });

  it('is checked again after it was removed and put back', async () => {
    const { parent, login } = createIn('display: block');
    await login.updateComplete;
    expect(last().options).toEqual({ url: URL, ticket: 't1' });
    login.remove();
    parent.style.cssText = 'display: none';
    parent.append(login);
    await login.updateComplete;
    expect(last().options).toEqual(HIDDEN);
    last().tell(SHOWING);
    login.ticket = 't2';
    await login.updateComplete;
    expect(last().options).toEqual({ ...HIDDEN, ticket: 't2' });
  });
});
