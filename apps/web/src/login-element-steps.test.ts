// @vitest-environment happy-dom
/** What the person meets on the way: the code, the password, a new code, the way back. */

import { describe, expect, it, vi } from 'vitest';
import type { LoginElement } from './login-element.ts';
import { en, find, prepareElement, URL } from './test-login-element.ts';
import { CONNECTED, DEADLINE, NOW, PASSWORD, SHOWING, TEXT } from './test-watch.ts';

const { create, shown } = prepareElement();

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
