// @vitest-environment happy-dom
import type { Session, WatchOptions } from '@qrcast/client/types';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { LoginElement } from './login-element.ts';
import { CANCELLED, CONNECTED, createTestWatch, DEADLINE, NOW, PASSWORD, SHOWING, TEXT, type TestWatch, WAITING } from './test-watch.ts';
import { textsOf } from './texts.ts';

const URL = 'https://qrcast.example.com';
const en = textsOf('en');
const ru = textsOf('ru');

let watches: TestWatch[];
let heard: { type: string; detail: unknown }[];

beforeAll(() => customElements.define('qrcast-login', LoginElement));
beforeEach(() => {
  watches = [];
  heard = [];
  document.documentElement.removeAttribute('lang');
});
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** An element in the page, all of whose events are heard from outside. */
function create(
  attributes: Readonly<Record<string, string>> = { ticket: 't1', url: URL, lang: 'en' },
  parent = document.body,
): LoginElement {
  const login = document.createElement('qrcast-login');
  login.openWatch = (options: WatchOptions) => {
    const watch = createTestWatch(options);
    watches.push(watch);
    return watch;
  };
  for (const [name, value] of Object.entries(attributes)) login.setAttribute(name, value);
  for (const type of ['qrcast-session', 'qrcast-connected', 'qrcast-ended', 'qrcast-refused'] as const) {
    login.addEventListener(type, ({ detail }) => heard.push({ type, detail }));
  }
  parent.append(login);
  return login;
}

/** Open, and told a session. */
async function shown(session = WAITING, attributes?: Readonly<Record<string, string>>): Promise<{ login: LoginElement; watch: TestWatch }> {
  const login = create(attributes);
  await login.updateComplete;
  const watch = last();
  watch.tell(session);
  await login.updateComplete;
  return { login, watch };
}

function last(): TestWatch {
  const watch = watches.at(-1);
  if (watch === undefined) throw new Error('expected a watch to be opened');
  return watch;
}

function find<T extends Element = HTMLElement>(login: LoginElement, selector: string): T {
  const found = login.shadowRoot?.querySelector<T>(selector);
  if (found == null) throw new Error(`expected ${selector} in the element`);
  return found;
}

const title = (login: LoginElement): string => find(login, '#title').textContent;

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

  it('is another one for another ticket, and none without', async () => {
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

  it('asks whoever is there for a new ticket, without being opened anew for it', async () => {
    const login = create();
    login.renewTicket = async () => 'first';
    await login.updateComplete;
    login.renewTicket = async () => 'second';
    await login.updateComplete;
    expect(watches).toHaveLength(1);
    expect(await last().options.renewTicket?.()).toBe('second');
  });

  it('that cannot be opened is told to the author of the page, and to the person without the reason', async () => {
    const report = vi.fn();
    vi.stubGlobal('reportError', report);
    const login = create();
    login.openWatch = () => {
      throw new TypeError('url: expected an http(s) address');
    };
    await login.updateComplete;
    expect(report).toHaveBeenCalledWith(expect.any(TypeError));
    expect(heard).toMatchObject([{ type: 'qrcast-refused', detail: { code: 'invalid_request' } }]);
    expect(title(login)).toBe(en.refusals.invalid_request.title);
    vi.unstubAllGlobals();
  });
});

describe('events', () => {
  it('tell each state, and each turn once', async () => {
    const { watch } = await shown(WAITING);
    watch.tell(PASSWORD);
    watch.tell(CONNECTED);
    watch.tell(CONNECTED, { status: 'closed' });
    expect(heard.map(({ type }) => type)).toEqual(['qrcast-session', 'qrcast-session', 'qrcast-session', 'qrcast-connected']);
    expect(heard.at(-1)?.detail).toBe(CONNECTED);
  });

  it('tell an end once, another one after a new attempt, and the last one that follows it', async () => {
    const { watch } = await shown(DEADLINE);
    watch.tell({ ...DEADLINE, viewers: 2 });
    watch.tell({ ...WAITING, version: 4 });
    watch.tell({ ...DEADLINE, version: 5 });
    watch.tell({ ...DEADLINE, version: 6, end: { reason: 'deadline', resumable: false } });
    watch.tell({ ...CANCELLED, version: 7 });
    const ends = heard.filter(({ type }) => type === 'qrcast-ended');
    expect(ends.map(({ detail }) => (detail as Session).version)).toEqual([3, 5, 6, 7]);
  });

  it('leave shadow roots', async () => {
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

  it('tell what is on the screen, once for each change', async () => {
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

describe('the code', () => {
  it('is drawn, named, and taken away with its session', async () => {
    const { login, watch } = await shown(SHOWING);
    const code = find<SVGElement>(login, '#code');
    expect(code.getAttribute('aria-label')).toBe(en.codeAlt);
    expect(code.querySelector('.dark')?.getAttribute('d')).toMatch(/^M4 4h7v1h-7z/);
    expect(find<HTMLAnchorElement>(login, '.here').href).toBe(TEXT);
    watch.tell({ ...SHOWING, code: null });
    await login.updateComplete;
    expect(login.shadowRoot?.querySelector('#code, .here')).toBeNull();
    expect(login.shadowRoot?.innerHTML).not.toContain(TEXT);
  });

  it('is the given picture where nobody could read it', async () => {
    const code = { image: 'data:image/png;base64,AAAA', text: null, issuedAt: NOW, staleAt: NOW + 20_000 };
    const { login } = await shown({ ...SHOWING, code });
    expect(find<HTMLImageElement>(login, 'img#code').src).toBe(code.image);
    expect(login.shadowRoot?.querySelector('.here')).toBeNull();
  });
});

describe('the password', () => {
  const enter = (login: LoginElement, password: string): void => {
    find<HTMLInputElement>(login, '#password').value = password;
    find(login, 'form').dispatchEvent(new SubmitEvent('submit', { cancelable: true, bubbles: true }));
  };

  it('is handed over at once, gone from the field, and not shown any more', async () => {
    const { login, watch } = await shown(PASSWORD);
    const field = find<HTMLInputElement>(login, '#password');
    find(login, '.reveal').click();
    await login.updateComplete;
    expect([field.type, find(login, '.reveal').getAttribute('aria-label')]).toEqual(['text', en.passwordHide]);
    enter(login, 'correct horse');
    expect([watch.passwords, field.value]).toEqual([['correct horse'], '']);
    await login.updateComplete;
    expect([field.type, find(login, '[type=submit]').getAttribute('aria-disabled')]).toEqual(['password', 'true']);
    enter(login, 'again, while the first is under way');
    expect(watch.passwords).toHaveLength(1);
  });

  it('that was wrong is told at its field', async () => {
    const { login, watch } = await shown(PASSWORD);
    enter(login, 'wrong');
    await watch.answer({ ok: false, error: { code: 'password_rejected', detail: '', retryable: true } });
    await login.updateComplete;
    await login.updateComplete;
    const field = find<HTMLInputElement>(login, '#password');
    const mistake = find(login, `#${field.getAttribute('aria-describedby')}`);
    expect([field.getAttribute('aria-invalid'), mistake.textContent]).toEqual(['true', en.calls.password_rejected]);
    expect(login.shadowRoot?.activeElement).toBe(field);
  });

  it('takes the focus, but not from somebody who is busy elsewhere in the page', async () => {
    const { login } = await shown(PASSWORD);
    expect(login.shadowRoot?.activeElement?.id).toBe('password');
    login.remove();
    const other = document.createElement('input');
    document.body.append(other);
    other.focus();
    const { login: second } = await shown(PASSWORD);
    expect([document.activeElement, second.shadowRoot?.activeElement ?? null]).toEqual([other, null]);
  });
});

describe('a new code', () => {
  it('is asked for by the button, and by the page', async () => {
    const { login, watch } = await shown(DEADLINE);
    find(login, '#resume').click();
    await login.updateComplete;
    expect([watch.resumes, find(login, '#resume').textContent.trim()]).toEqual([1, en.newCodeSending]);
    find(login, '#resume').click();
    expect(watch.resumes).toBe(1);
    void login.resume();
    expect(watch.resumes).toBe(2);
  });

  it('cannot be had without a login, which is no exception', async () => {
    expect(await create({}).resume()).toMatchObject({ ok: false, error: { code: 'not_resumable' } });
  });
});

describe('the way back', () => {
  const RETURNING = { ...CONNECTED, returnUrl: 'https://shop.example.com/orders' };

  async function connected(attributes: Readonly<Record<string, string>>) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const replace = vi.spyOn(location, 'replace').mockImplementation(() => undefined);
    const { login, watch } = await shown(RETURNING, { ticket: 't1', url: URL, lang: 'en', ...attributes });
    const pass = async (ms: number): Promise<void> => {
      watch.setNow(NOW + ms);
      vi.advanceTimersByTime(1_000);
      await login.updateComplete;
    };
    return { login, replace, pass };
  }

  it('is a link', async () => {
    const { login, replace, pass } = await connected({});
    expect(find<HTMLAnchorElement>(login, '#return').href).toBe(RETURNING.returnUrl);
    expect(login.shadowRoot?.querySelector('#stay')).toBeNull();
    await pass(60_000);
    expect(replace).not.toHaveBeenCalled();
  });

  it('is taken by itself where the page asks for it, after five seconds and not before', async () => {
    const { login, replace, pass } = await connected({ 'auto-return': '' });
    expect(find(login, '[role=status]').textContent).toContain(en.returnSoon('shop.example.com'));
    await pass(4_900);
    expect(replace).not.toHaveBeenCalled();
    await pass(5_000);
    expect(replace).toHaveBeenCalledExactlyOnceWith(RETURNING.returnUrl);
  });

  it.each([
    ['the button', (login: LoginElement) => find(login, '#stay').click()],
    ['a key', () => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))],
    ['a touch', () => document.body.dispatchEvent(new Event('pointerdown', { bubbles: true }))],
  ])('is not taken after %s', async (_name, act) => {
    const { login, replace, pass } = await connected({ 'auto-return': '' });
    act(login);
    await login.updateComplete;
    expect(login.shadowRoot?.querySelector('#stay')).toBeNull();
    await pass(60_000);
    expect(replace).not.toHaveBeenCalled();
  });
});

it('says what the page knows already, and asks nobody', async () => {
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
