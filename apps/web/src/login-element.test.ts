// @vitest-environment happy-dom
import type { Session } from '@qrcast/client/types';
import { describe, expect, it, vi } from 'vitest';
import { en, find, prepareElement, ru, title, URL } from '../test/login-element.ts';
import { CANCELLED, CONNECTED, DEADLINE, PASSWORD, SHOWING, WAITING } from '../test/watch.ts';
import { LoginElement } from './login-element.ts';

const { watches, heard, create, shown, last } = prepareElement();

describe('the watch', () => {
  it('is opened for the ticket and the address, and closed with the element', async () => {
    const login = create();
    await login.updateComplete;
    expect(last().options).toEqual({ url: URL, ticket: 't1' });
    login.remove();
    expect(last().isClosed).toBe(true);
    document.body.append(login);
    await login.updateComplete;
    expect([watches.length, last().isClosed]).toEqual([2, false]);
  });

  it('connects before anything is drawn, with its ticket from the start and with a later one', async () => {
    const drawnAtConnect: boolean[] = [];
    const login = create({ url: URL });
    const { openWatch } = login;
    login.openWatch = (options) => {
      queueMicrotask(() => drawnAtConnect.push(login.shadowRoot?.querySelector('#title') != null)); // as the client connects
      return openWatch(options);
    };
    login.ticket = 't1';
    await login.updateComplete;
    expect(drawnAtConnect).toEqual([false]);
    expect(title(login)).toBe(en.connecting.title);
    login.ticket = 't2';
    login.ticket = 't3';
    await login.updateComplete;
    expect(watches.map(({ options }) => options.ticket)).toEqual(['t1', 't3']);
  });

  it('follows a property that changes between its opening and its drawing', async () => {
    const login = create();
    const { openWatch } = login;
    login.openWatch = (options) => {
      queueMicrotask(() => login.removeAttribute('ticket'));
      return openWatch(options);
    };
    await login.updateComplete;
    expect([watches.length, last().isClosed]).toEqual([1, true]);
  });

  it('is replaced for another ticket, and closed without one', async () => {
    const { login, watch } = await shown(SHOWING);
    login.ticket = 't2';
    await login.updateComplete;
    expect([watch.isClosed, last().options.ticket]).toEqual([true, 't2']);
    expect(title(login)).toBe(en.connecting.title); // nothing of the other login is left
    login.removeAttribute('ticket');
    await login.updateComplete;
    expect([watches.length, last().isClosed]).toEqual([2, true]);
    watch.tell(CONNECTED);
    expect(heard.map(({ type }) => type)).toEqual(['qrcast-session']);
  });

  it('uses the current renewTicket, and is not opened again when it changes', async () => {
    const login = create();
    login.renewTicket = async () => 'first';
    await login.updateComplete;
    login.renewTicket = async () => 'second';
    await login.updateComplete;
    expect(watches).toHaveLength(1);
    expect(await last().options.renewTicket?.()).toBe('second');
  });

  it('that cannot be opened reports the error to the page’s author, and shows the person no reason', async () => {
    const report = vi.fn();
    vi.stubGlobal('reportError', report);
    const login = create();
    login.openWatch = () => {
      throw new TypeError('watchSession: options.url: expected the address of the gateway');
    };
    await login.updateComplete;
    expect(report).toHaveBeenCalledWith(expect.any(TypeError));
    expect(heard).toMatchObject([{ type: 'qrcast-refused', detail: { code: 'invalid_request' } }]);
    expect(title(login)).toBe(en.refusals.invalid_request.title);
    vi.unstubAllGlobals();
  });
});

it('says that the browser is too old if a watch cannot work, and returns a failure if a call rejects', async () => {
  vi.stubGlobal('reportError', undefined);
  const complain = vi.fn();
  addEventListener('error', complain, { once: true });
  const login = create({ ticket: 't1', url: URL, lang: 'ru' });
  login.openWatch = () => {
    throw new TypeError('AbortSignal.any is not a function');
  };
  await login.updateComplete;
  expect(title(login)).toBe(ru.refusals.too_old.title);
  expect(complain).toHaveBeenCalledOnce();
  vi.unstubAllGlobals();

  const { login: other, watch } = await shown(PASSWORD);
  watch.sendPassword = () => Promise.reject(new TypeError('AbortSignal.any is not a function'));
  find<HTMLInputElement>(other, '#password').value = 'one';
  find(other, 'button[type=submit]').click();
  await expect.poll(() => find(other, '#mistake').textContent).toBe(en.calls.other);
});

describe('events', () => {
  it('report each state, and each change once', async () => {
    const { watch } = await shown(WAITING);
    watch.tell(PASSWORD);
    watch.tell(CONNECTED);
    watch.tell(CONNECTED, { status: 'closed' });
    expect(heard.map(({ type }) => type)).toEqual(['qrcast-session', 'qrcast-session', 'qrcast-session', 'qrcast-connected']);
    expect(heard.at(-1)?.detail).toBe(CONNECTED);
  });

  it('report an end once, another one after a new attempt, and the final one after it', async () => {
    const { watch } = await shown(DEADLINE);
    watch.tell({ ...DEADLINE, viewers: 2 });
    watch.tell({ ...WAITING, version: 4 });
    watch.tell({ ...DEADLINE, version: 5 });
    watch.tell({ ...DEADLINE, version: 6, end: { reason: 'deadline', resumable: false } });
    watch.tell({ ...CANCELLED, version: 7 });
    const ends = heard.filter(({ type }) => type === 'qrcast-ended');
    expect(ends.map(({ detail }) => (detail as Session).version)).toEqual([3, 5, 6, 7]);
  });

  it('cross shadow roots', async () => {
    const host = document.createElement('div');
    document.body.append(host);
    const heardOutside = vi.fn();
    document.body.addEventListener('qrcast-refused', heardOutside);
    const inner = document.createElement('div');
    host.attachShadow({ mode: 'open' }).append(inner);
    const login = create(undefined, inner);
    await login.updateComplete;
    last().tell(null, { status: 'refused', code: 'ticket_expired', detail: 'too late' });
    expect(heardOutside).toHaveBeenCalledOnce();
    expect(heard).toEqual([{ type: 'qrcast-refused', detail: { code: 'ticket_expired', detail: 'too late' } }]);
  });

  it('report what is on the screen, once for each change', async () => {
    const states: unknown[] = [];
    document.body.addEventListener('qrcast-state', ({ detail }) => states.push(detail), { once: false });
    const { login, watch } = await shown(SHOWING);
    watch.tell({ ...SHOWING, viewers: 2 });
    await login.updateComplete;
    watch.tell({ ...SHOWING, code: null });
    await login.updateComplete;
    expect(states).toMatchObject([
      { state: 'connecting', version: null },
      { state: 'showing', version: 3, title: en.showing.title, language: 'en', direction: 'ltr' },
      { state: 'waiting', version: 3, title: en.renewing.title },
    ]);
  });
});

describe('the language', () => {
  const speaks = async (attributes: Readonly<Record<string, string>>, locale: string | null = null): Promise<string> => {
    const { login } = await shown({ ...WAITING, locale }, { ticket: 't1', url: URL, ...attributes });
    const spoken = title(login) === ru.waiting.title ? 'ru' : 'en';
    expect(find(login, '.card').lang).toBe(spoken);
    document.body.replaceChildren();
    return spoken;
  };

  it('is the element’s own, the page’s, the session’s, the browser’s, English', async () => {
    vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['de', 'ru-RU', 'en']);
    expect(await speaks({})).toBe('ru');
    expect(await speaks({}, 'en')).toBe('en');
    document.documentElement.lang = 'ru';
    expect(await speaks({}, 'en')).toBe('ru');
    expect(await speaks({ lang: 'en' })).toBe('en');
    vi.spyOn(navigator, 'languages', 'get').mockReturnValue(['de']);
    document.documentElement.lang = 'fr';
    expect(await speaks({})).toBe('en');
  });

  it('is not the page’s if the element’s own says that it is not known', async () => {
    document.documentElement.lang = 'en';
    expect(await speaks({ lang: '' }, 'ru-RU')).toBe('ru');
  });

  it('changes while it is shown', async () => {
    const { login } = await shown(WAITING);
    login.lang = 'ru';
    await login.updateComplete;
    expect([title(login), login.getAttribute('lang')]).toEqual([ru.waiting.title, 'ru']);
  });
});

it('shows a refusal that the page sets, and connects to nothing', async () => {
  const login = create({ lang: 'ru' });
  login.refusal = 'no_ticket';
  login.ticket = 't1';
  await login.updateComplete;
  expect([title(login), watches]).toEqual([ru.refusals.no_ticket.title, []]);
});

it('can be loaded twice', async () => {
  await import('./element.ts');
  vi.resetModules();
  await import('./element.ts');
  expect(customElements.get('qrcast-login')).toBe(LoginElement);
});
