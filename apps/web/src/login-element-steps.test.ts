// @vitest-environment happy-dom
/** The steps of a login: the code, the password, a new code, the way back. */

import { describe, expect, it, vi } from 'vitest';
import { en, find, prepareElement, URL } from '../test/login-element.ts';
import { CONNECTED, DEADLINE, LOST, NOW, OPEN, PASSWORD, SHOWING, TEXT, WAITING } from '../test/watch.ts';
import type { LoginElement } from './login-element.ts';

const { create, shown } = prepareElement();

describe('the code', () => {
  it('is drawn with a name, and removed with its session', async () => {
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

  it('is the provider’s picture if its text is not known', async () => {
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

  it('is sent at once, removed from the field, and hidden', async () => {
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

  it('that was wrong has an error at its field', async () => {
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
  it('is left for a new code by the button for it, one call at a time', async () => {
    const { login, watch } = await shown(PASSWORD);
    find<HTMLInputElement>(login, '#password').value = 'half a pass';
    const button = find(login, '#start-over');
    expect(button.textContent).toBe(`${en.startOverQuestion}${en.startOver}`);
    button.click();
    await login.updateComplete;
    expect([watch.startOvers, button.getAttribute('aria-disabled')]).toEqual([1, 'true']);
    button.click();
    enter(login, 'a password meanwhile');
    expect([watch.startOvers, watch.passwords]).toEqual([1, []]);
    await watch.answer({ ok: true });
    watch.tell({ ...WAITING, version: 4 });
    await login.updateComplete;
    expect(login.shadowRoot?.querySelector('form')).toBeNull();
    watch.tell({ ...PASSWORD, version: 5 });
    await login.updateComplete;
    expect(find<HTMLInputElement>(login, '#password').value).toBe('');
    void login.startOver();
    expect(watch.startOvers).toBe(2);
  });

  it('cannot be left while it is being sent, or without a login', async () => {
    const { login, watch } = await shown(PASSWORD);
    enter(login, 'correct horse');
    await login.updateComplete;
    find(login, '#start-over').click();
    expect(watch.startOvers).toBe(0);
    expect(await create({}).startOver()).toMatchObject({ ok: false, error: { code: 'not_waiting_for_password' } });
  });

  it('shows under the button why it could not be left, and returns the focus to the field when that is final', async () => {
    const { login, watch } = await shown(PASSWORD);
    const fail = async (retryAfterMs: number): Promise<void> => {
      find(login, '#start-over').focus();
      find(login, '#start-over').click();
      await watch.answer({ ok: false, error: { code: 'too_many_requests', detail: '', retryable: true, retryAfterMs } });
      await login.updateComplete;
      await login.updateComplete;
    };
    await fail(0);
    expect(find(login, '.link + .error').textContent).toBe(en.calls.too_many_requests);
    expect(find(login, '#password').getAttribute('aria-invalid')).toBe('false');
    await fail(3_600_000);
    expect(login.shadowRoot?.querySelector('#start-over')).toBeNull();
    expect(find(login, '.error').textContent).toBe(en.startOverSpent);
    expect(login.shadowRoot?.activeElement?.id).toBe('password');
  });

  it('stays in its field half typed through a hidden tab, a lost connection and updates of the same state', async () => {
    const { login, watch } = await shown(PASSWORD);
    const field = find<HTMLInputElement>(login, '#password');
    const form = find(login, 'form');
    field.value = 'corre';
    field.focus();
    const visibility = vi.spyOn(document, 'visibilityState', 'get');
    for (const state of ['hidden', 'visible'] as const) {
      visibility.mockReturnValue(state);
      document.dispatchEvent(new Event('visibilitychange'));
      for (const connection of [LOST, { status: 'connecting' } as const, { ...LOST, code: 'draining' } as const, OPEN]) {
        watch.tell({ ...PASSWORD, viewers: state === 'hidden' ? 0 : 1 }, connection);
        await login.updateComplete;
      }
    }
    for (const more of [
      { notice: { code: 'password_rejected', retryAt: NOW } },
      { notice: { code: 'new_trouble' as 'rate_limited', retryAt: NOW } },
      { notice: null, deadlineAt: NOW + 400_000 },
      { viewers: 7, serverNow: NOW + 60_000 },
    ] as const) {
      watch.tell({ ...PASSWORD, version: 9, ...more });
      await login.updateComplete;
    }
    expect([find(login, '#password'), find(login, 'form')]).toEqual([field, form]);
    expect([field.value, login.shadowRoot?.activeElement]).toEqual(['corre', field]);
  });
});

describe('a scanned code', () => {
  it('asks for no other scan: no picture, no steps, one sentence', async () => {
    const { login, watch } = await shown(SHOWING);
    watch.tell({ ...WAITING, version: 4, notice: { code: 'login_finishing', retryAt: NOW + 4_000 } });
    await login.updateComplete;
    expect(find(login, '#title').textContent).toBe(en.finishing.title);
    expect(login.shadowRoot?.querySelector('#code, .skeleton, .steps, .here, .caution')).toBeNull();
    expect(find(login, '[role=status]').textContent).toContain(en.finishing.detail);
  });
});

describe('a new code', () => {
  it('can be requested by the button and by the page', async () => {
    const { login, watch } = await shown(DEADLINE);
    find(login, '#resume').click();
    await login.updateComplete;
    expect([watch.resumes, find(login, '#resume').textContent.trim()]).toEqual([1, en.newCodeSending]);
    find(login, '#resume').click();
    expect(watch.resumes).toBe(1);
    void login.resume();
    expect(watch.resumes).toBe(2);
  });

  it('cannot be requested without a login, and then nothing throws', async () => {
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

  it('is taken automatically after five seconds if the page asks for that', async () => {
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
