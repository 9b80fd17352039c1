/** The tenants: create one, suspend one, change its keys. A new secret is shown until the person has copied it. */

import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import type { Answer, Failure } from './api.ts';
import { createLoader } from './loader.ts';
import { badge, button, emptyNote, failureNote, heading, text, textField } from './parts.ts';
import type { Context, Loadable, Screen, Words } from './screen.ts';
import { secretsTemplate } from './secrets-card.ts';
import type { Secrets, SecretsKeeper } from './secrets-keeper.ts';
import { table } from './table.ts';

interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly suspended: boolean;
  readonly createdAt: number;
  readonly keys: readonly { readonly id: string; readonly createdAt: number; readonly lastUsedAt: number | null }[];
}

interface View {
  readonly opened: string | null;
  readonly failure: Failure | null;
  /** The secret that was copied last. */
  readonly copied: { readonly id: string; readonly name: string } | null;
}

interface Handlers {
  readonly reload: () => void;
  readonly toggle: (id: string) => void;
  readonly suspend: (tenant: Tenant) => Promise<void>;
  readonly addKey: (tenant: Tenant) => Promise<void>;
  readonly removeKey: (tenant: Tenant, keyId: string) => Promise<void>;
  readonly create: (event: SubmitEvent) => Promise<void>;
  readonly copy: (id: string, name: string, value: string) => Promise<void>;
  readonly hide: (id: string) => void;
}

const PATH = '/v1/admin/tenants';

export function openTenants(context: Context): Screen {
  const { api, words, redraw, secrets } = context;
  const loader = createLoader<{ readonly tenants: readonly Tenant[] }>(redraw);
  let view: View = { opened: null, failure: null, copied: null };
  const change = (part: Partial<View>): void => {
    view = { ...view, ...part };
    redraw();
  };
  const reload = (): void => void loader.load(() => api.call('GET', PATH));
  reload();
  const handlers = createHandlers(context, reload, () => view, change);
  return {
    template: () => tenantsTemplate(loader.now(), view, { words: words(), secrets: secrets.now() }, handlers),
    close: loader.close,
  };
}

function createHandlers(
  { api, words, ask, announce, secrets }: Context,
  reload: () => void,
  viewNow: () => View,
  change: (part: Partial<View>) => void,
): Handlers {
  const { send, make } = createSender(secrets, reload, change);
  return {
    reload,
    toggle: (id) => change({ opened: viewNow().opened === id ? null : id }),
    async suspend({ id, name, suspended }) {
      const { tenants } = words().texts;
      if (!suspended && !(await ask({ title: tenants.suspendQuestion(name), text: tenants.suspendMeaning, action: tenants.suspend })))
        return;
      await send(() => api.call('PATCH', `${PATH}/${id}`, { suspended: !suspended }));
    },
    async addKey({ id, name }) {
      await make(name, () => api.call('POST', `${PATH}/${id}/keys`));
    },
    async removeKey({ id }, keyId) {
      const { tenants } = words().texts;
      if (!(await ask({ title: tenants.removeQuestion(keyId), text: tenants.removeMeaning, action: tenants.removeKey }))) return;
      const removed = await send(() => api.call('DELETE', `${PATH}/${id}/keys/${keyId}`));
      if (removed !== null) focusLast('.keys > .button'); // the button that was pressed goes with its key
    },
    async create(event) {
      event.preventDefault();
      const form = event.target as HTMLFormElement;
      const fields = new FormData(form);
      const [id, name] = ['tenant-id', 'tenant-name'].map((field) => String(fields.get(field) ?? '').trim());
      if (await make(name ?? '', () => api.call('POST', PATH, { id, name }))) form.reset();
    },
    async copy(id, name, value) {
      const { tenants } = words().texts;
      const done = await navigator.clipboard.writeText(value).then(() => true, () => false); // biome-ignore format: short
      announce(done ? tenants.copied : tenants.notCopied);
      change({ copied: done ? { id, name } : null });
    },
    hide(id) {
      secrets.drop(id);
      change({});
      afterDrawing(() => focusLast('#title'));
    },
  };
}

interface Sender {
  /** One call at a time. @returns the body, or null after a refusal, which is then shown */
  send<T>(call: () => Promise<Answer<T>>): Promise<{ readonly body: T } | null>;
  /** For a call that makes secrets. They are kept also if the person has opened another view meanwhile. */
  make(title: string, call: () => Promise<Answer<Secrets['values']>>): Promise<boolean>;
}

function createSender(secrets: SecretsKeeper, reload: () => void, change: (part: Partial<View>) => void): Sender {
  let isSending = false;
  async function send<T>(call: () => Promise<Answer<T>>): Promise<{ readonly body: T } | null> {
    if (isSending) return null;
    isSending = true;
    const answer = await call();
    isSending = false;
    change({ failure: answer.ok ? null : answer.failure });
    reload(); // an answer that was cut on its way may have been a good one
    return answer.ok ? { body: answer.body } : null;
  }
  return {
    send,
    async make(title, call) {
      const onAnswer = secrets.expect();
      const made = await send(call);
      onAnswer();
      if (made === null) return false;
      secrets.keep(title, made.body);
      afterDrawing(() => focusLast('.secrets'));
      return true;
    },
  };
}

/** A microtask that is in the queue already draws the change. */
const afterDrawing = (act: () => void): void => queueMicrotask(act);

const focusLast = (selector: string): void => [...document.querySelectorAll<HTMLElement>(selector)].at(-1)?.focus();

interface Told {
  readonly words: Words;
  readonly secrets: readonly Secrets[];
}

function tenantsTemplate(
  state: Loadable<{ readonly tenants: readonly Tenant[] }>,
  view: View,
  { words, secrets }: Told,
  handlers: Handlers,
): Markup {
  const { texts } = words;
  return html`${heading(texts.views.tenants, texts.tenants.lead)}
    ${secrets.map((one) => cardTemplate(one, view, words, handlers))}
    ${view.failure === null ? nothing : failureNote(view.failure, words, null)}
    ${state.kind === 'failed' ? failureNote(state.failure, words, handlers.reload) : state.kind === 'loading' ? emptyNote(texts.loading) : listTemplate(state.value.tenants, view, words, handlers)}
    <section class="card">
      <h2 .textContent=${texts.tenants.create}></h2>
      <form class="filters" @submit=${handlers.create}>
        ${textField('tenant-id', texts.tenants.id, { hint: texts.tenants.idHint, pattern: '[a-z0-9][a-z0-9_\\-]*', isRequired: true })}
        ${textField('tenant-name', texts.tenants.title, { isRequired: true })}
        <button class="button" type="submit" .textContent=${texts.tenants.submit}></button>
      </form>
    </section>`;
}

function cardTemplate(secrets: Secrets, { copied }: View, { texts }: Words, { copy, hide }: Handlers): Markup {
  const { id } = secrets;
  return secretsTemplate(secrets, copied?.id === id ? copied.name : null, texts.tenants, {
    copy: (name, value) => copy(id, name, value),
    hide: () => hide(id),
  });
}

function listTemplate(tenants: readonly Tenant[], { opened }: View, words: Words, { toggle, suspend, ...handlers }: Handlers): Markup {
  const { tenants: texts } = words.texts;
  if (tenants.length === 0) return emptyNote(texts.none);
  return table({
    caption: words.texts.views.tenants,
    columns: [
      { label: texts.columns.tenant, cell: ({ id, name }) => html`${text(name, 'name')}${text(id, 'sub id')}` },
      { label: texts.columns.state, cell: ({ suspended }) => (suspended ? badge('bad', texts.suspended) : badge('good', texts.active)) },
      { label: texts.columns.keys, style: 'number', cell: ({ keys }) => words.format.number(keys.length) },
      { label: texts.columns.created, cell: ({ createdAt }) => words.format.dateTime(createdAt) },
      {
        label: texts.columns.actions,
        cell: (
          tenant,
        ) => html`<span class="actions">${button(opened === tenant.id ? texts.close : texts.open, () => toggle(tenant.id), { name: `${texts.open}: ${tenant.name}` })}
          ${button(tenant.suspended ? texts.resume : texts.suspend, () => void suspend(tenant), { name: `${tenant.suspended ? texts.resume : texts.suspend}: ${tenant.name}` })}</span>`,
      },
    ],
    rows: tenants,
    keyOf: ({ id }) => id,
    styleOf: ({ suspended }) => (suspended ? 'over' : ''),
    below: (tenant) => (tenant.id === opened ? keysTemplate(tenant, words, handlers) : null),
  });
}

function keysTemplate(tenant: Tenant, { texts, format }: Words, { addKey, removeKey }: Pick<Handlers, 'addKey' | 'removeKey'>): Markup {
  const { tenants } = texts;
  return html`<div class="keys">
    ${tenant.keys.map(
      ({ id, lastUsedAt }) => html`<div class="row">
        <span>${text(id, 'id')}${text(`${tenants.lastUsed}: ${lastUsedAt === null ? tenants.neverUsed : format.dateTime(lastUsedAt)}`, 'sub')}</span>
        ${button(tenants.removeKey, () => void removeKey(tenant, id), { name: tenants.removeKeyLabel(id) })}
      </div>`,
    )}
    ${button(tenants.addKey, () => void addKey(tenant), { style: '' })}
  </div>`;
}
