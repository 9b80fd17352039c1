/**
 * The page's DOM: built once, then changed to follow a view. It knows nothing of sessions or sockets, and touches nothing outside of the
 * two elements it is given, so that it can be put into a web element one day. The picture and the password never stay: the image is
 * removed with its code, the field is emptied as soon as its content is handed over.
 */

import { element, setOptional, setText } from './element.ts';
import type { Texts } from './texts.ts';
import type { Body, View } from './view.ts';

export interface ScreenHandlers {
  onPassword(password: string): void;
  onResume(): void;
}

export interface ScreenPlace {
  /** Carries `data-state` and `data-version`. */
  readonly root: HTMLElement;
  /** Becomes the parent of everything. */
  readonly parent: HTMLElement;
}

export interface Screen {
  show(view: View): void;
}

type Parts = ReturnType<typeof createParts>;

export function createScreen({ root, parent }: ScreenPlace, texts: Texts, handlers: ScreenHandlers): Screen {
  const parts = createParts(texts);
  parent.replaceChildren(parts.live, parts.banner, parts.card);
  let shown: View | null = null;
  let isBusy = false;

  parts.form.addEventListener('submit', (event) => {
    event.preventDefault();
    const password = parts.password.value;
    if (isBusy || password === '') return;
    parts.password.value = '';
    handlers.onPassword(password);
  });
  parts.resume.addEventListener('click', () => {
    if (!isBusy) handlers.onResume();
  });

  return {
    show(view) {
      isBusy = 'isBusy' in view.body && view.body.isBusy;
      const hadFocus = parts.card.contains(document.activeElement);
      root.dataset['state'] = view.state;
      if (view.version !== null) root.dataset['version'] = String(view.version);
      setText(parts.title, view.headline.title);
      setText(parts.detail, view.headline.detail);
      setOptional(parts.banner, view.banner);
      setText(parts.live, view.announcement);
      showBody(parts, view.body, texts);
      if (shown?.body.kind !== view.body.kind) moveFocus(parts, view.body, hadFocus);
      else if (view.body.kind === 'password' && 'isBusy' in shown.body && shown.body.isBusy && !view.body.isBusy) parts.password.focus();
      shown = view;
    },
  };
}

function createParts(texts: Texts) {
  const live = element('p', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
  const banner = element('p', { class: 'banner', 'aria-hidden': 'true' });
  const mark = element('div', { class: 'mark', 'aria-hidden': 'true' });
  const title = element('h1', { tabindex: '-1' });
  const detail = element('p', { class: 'detail' });
  const frame = element('div', { class: 'frame', translate: 'no' });
  const bar = element('div', { class: 'bar' });
  const seconds = element('span', { class: 'seconds' });
  const countdown = element('div', { class: 'countdown', 'aria-hidden': 'true' }, element('div', { class: 'track' }, bar), seconds);
  const note = element('p', { class: 'note' });
  const steps = element('ol', { class: 'steps' }, ...texts.steps.map((step) => element('li', {}, element('span', {}, step))));
  const phone = element('p', { class: 'phone', translate: 'no' });
  const error = element('p', { class: 'error' });
  const resume = element('button', { type: 'button', id: 'resume' });
  const { form, password, mistake, send } = createForm(texts);
  const card = element('main', { class: 'card' }, mark, title, detail, frame, countdown, phone, form, error, resume, note, steps);
  return {
    live,
    banner,
    title,
    detail,
    frame,
    bar,
    seconds,
    countdown,
    note,
    steps,
    phone,
    error,
    resume,
    form,
    password,
    mistake,
    send,
    card,
  };
}

function createForm(texts: Texts) {
  const password = element('input', {
    type: 'password',
    id: 'password',
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    'aria-describedby': 'mistake',
    required: '',
  });
  const mistake = element('p', { class: 'error', id: 'mistake' });
  const send = element('button', { type: 'submit' });
  const label = element('label', { for: 'password' }, texts.passwordLabel);
  // No `name` on the field: nothing of the form can be sent by the browser itself.
  const form = element('form', { autocomplete: 'off', novalidate: '' }, label, password, mistake, send);
  return { form, password, mistake, send };
}

function showBody(parts: Parts, body: Body, texts: Texts): void {
  const hasCode = body.kind === 'code' || body.kind === 'skeleton';
  parts.frame.hidden = !hasCode;
  parts.steps.hidden = !hasCode;
  parts.countdown.hidden = !hasCode;
  showCode(parts, body, texts);
  setOptional(parts.note, body.kind === 'code' ? body.note : null);
  setOptional(parts.error, body.kind === 'stop' ? body.error : null);
  showPassword(parts, body, texts);
  showPhone(parts, body, texts);
  parts.resume.hidden = !(body.kind === 'stop' && body.canResume);
  if (body.kind === 'stop') showButton(parts.resume, body.isBusy, body.isBusy ? texts.newCodeSending : texts.newCode);
}

function showCode({ frame, countdown, bar, seconds }: Parts, body: Body, texts: Texts): void {
  const old = frame.querySelector('img');
  frame.classList.toggle('skeleton', body.kind === 'skeleton');
  countdown.classList.toggle('off', body.kind !== 'code');
  if (body.kind !== 'code') {
    old?.remove();
    // In the place of the countdown, so that the page keeps its height when a code comes.
    setText(seconds, body.kind === 'skeleton' ? body.note : null);
    return;
  }
  const image = old ?? element('img', { id: 'code', alt: texts.codeAlt, draggable: 'false' });
  if (image.getAttribute('src') !== body.image) image.src = body.image;
  if (old === null) frame.append(image);
  bar.style.transform = `scaleX(${body.share.toFixed(3)})`;
  setText(seconds, texts.validFor(body.secondsLeft));
}

function showPassword({ form, password, mistake, send }: Parts, body: Body, texts: Texts): void {
  form.hidden = body.kind !== 'password';
  if (body.kind !== 'password') {
    password.value = '';
    return;
  }
  showButton(send, body.isBusy, body.isBusy ? texts.passwordSending : texts.passwordSend);
  setOptional(mistake, body.error);
  password.setAttribute('aria-invalid', String(body.error !== null));
}

function showPhone({ phone }: Parts, body: Body, texts: Texts): void {
  const known = body.kind === 'success' ? body.phone : null;
  phone.hidden = known === null;
  if (known === null || phone.childElementCount > 0) return;
  phone.append(
    element('span', { 'aria-hidden': 'true' }, known.masked),
    element('span', { class: 'unseen' }, texts.phoneEnding(known.lastDigits)),
  );
}

// Not `disabled`: that would throw the focus of a keyboard user away while the answer is on its way.
function showButton(button: HTMLButtonElement, isBusy: boolean, label: string): void {
  button.setAttribute('aria-disabled', String(isBusy));
  setText(button, label);
}

/** To what the person acts on next; else to the title, but only if the focus would be lost with what was removed. */
function moveFocus({ title, password, resume }: Parts, body: Body, hadFocus: boolean): void {
  if (body.kind === 'password') password.focus();
  else if (body.kind === 'stop' && body.canResume) resume.focus();
  else if (hadFocus) title.focus();
}
