/** The tenants: create one, suspend one, change its keys. A new secret is shown once, and then forgotten. */

import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import type { Answer, Failure } from './api.ts';
import { createLoader } from './loader.ts';
import { badge, button, emptyNote, failureNote, heading, text, textField } from './parts.ts';
import type { Context, Loadable, Screen, Words } from './screen.ts';
import { type Secrets, secretsTemplate } from './secrets-card.ts';
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
  readonly secrets: Secrets | null;
  readonly failure: Failure | null;
  readonly copied: string | null;
}

interface Handlers {
  readonly reload: () => void;
  readonly toggle: (id: string) => void;
  readonly suspend: (tenant: Tenant) => Promise<void>;
  readonly addKey: (tenant: Tenant) => Promise<void>;
  readonly removeKey: (tenant: Tenant, keyId: string) => Promise<void>;
  readonly create: (event: SubmitEvent) => Promise<void>;
  readonly copy: (name: string, value: string) => Promise<void>;
  readonly hide: () => void;
}

const PATH = '/v1/admin/tenants';

export function openTenants(context: Context): Screen {
  const { api, words, redraw } = context;
  const loader = createLoader<{ readonly tenants: readonly Tenant[] }>(redraw);
  let view: View = { opened: null, secrets: null, failure: null, copied: null };
  const change = (part: Partial<View>): void => {
    view = { ...view, ...part };
    redraw();
  };
  const reload = (): void => void loader.load(() => api.call('GET', PATH));
  reload();
  const handlers = createHandlers(context, reload, () => view, change);
  return {
    template: () => tenantsTemplate(loader.now(), view, words(), handlers),
    close: loader.close,
  };
}

function createHandlers(
  { api, words, ask, announce }: Context,
  reload: () => void,
  viewNow: () => View,
  change: (part: Partial<View>) => void,
): Handlers {
  /** @returns the body, or null after a refusal, which is then shown */
  async function send<T>(call: Promise<Answer<T>>): Promise<{ readonly body: T } | null> {
    const answer = await call;
    change({ failure: answer.ok ? null : answer.failure });
    if (answer.ok) reload();
    return answer.ok ? { body: answer.body } : null;
  }
  const show = (title: string, values: Readonly<Record<string, unknown>>): void => {
    change({ secrets: { title, values }, copied: null });
    document.querySelector<HTMLElement>('#secrets')?.focus();
  };
  return {
    reload,
    toggle: (id) => change({ opened: viewNow().opened === id ? null : id }),
    async suspend({ id, name, suspended }) {
      const { tenants } = words().texts;
      if (!suspended && !(await ask({ title: tenants.suspendQuestion(name), text: tenants.suspendMeaning, action: tenants.suspend })))
        return;
      await send(api.call('PATCH', `${PATH}/${id}`, { suspended: !suspended }));
    },
    async addKey({ id, name }) {
      const made = await send(api.call<{ readonly apiKey: string }>('POST', `${PATH}/${id}/keys`));
      if (made !== null) show(name, made.body);
    },
    async removeKey({ id }, keyId) {
      const { tenants } = words().texts;
      if (!(await ask({ title: tenants.removeQuestion(keyId), text: tenants.removeMeaning, action: tenants.removeKey }))) return;
      await send(api.call('DELETE', `${PATH}/${id}/keys/${keyId}`));
    },
    async create(event) {
      event.preventDefault();
      const form = event.target as HTMLFormElement;
      const fields = new FormData(form);
      const [id, name] = ['tenant-id', 'tenant-name'].map((field) => String(fields.get(field) ?? '').trim());
      const made = await send(api.call<Readonly<Record<string, unknown>>>('POST', PATH, { id, name }));
      if (made === null) return;
      form.reset();
      show(name ?? '', made.body);
    },
    async copy(name, value) {
      const { tenants } = words().texts;
      const done = await navigator.clipboard.writeText(value).then(() => true, () => false); // biome-ignore format: short
      announce(done ? tenants.copied : tenants.notCopied);
      change({ copied: done ? name : null });
    },
    hide: () => change({ secrets: null }),
  };
}

function tenantsTemplate(state: Loadable<{ readonly tenants: readonly Tenant[] }>, view: View, words: Words, handlers: Handlers): Markup {
  const { texts } = words;
  return html`${heading(texts.views.tenants, texts.tenants.lead)}
    ${view.secrets === null ? nothing : secretsTemplate(view.secrets, view.copied, texts.tenants, handlers)}
    ${view.failure === null ? nothing : failureNote(view.failure, texts, null)}
    ${state.kind === 'failed' ? failureNote(state.failure, texts, handlers.reload) : state.kind === 'loading' ? emptyNote(texts.loading) : listTemplate(state.value.tenants, view, words, handlers)}
    <section class="card">
      <h2 .textContent=${texts.tenants.create}></h2>
      <form class="filters" @submit=${handlers.create}>
        ${textField('tenant-id', texts.tenants.id, { hint: texts.tenants.idHint, pattern: '[a-z0-9][a-z0-9_\\-]*', isRequired: true })}
        ${textField('tenant-name', texts.tenants.title, { isRequired: true })}
        <button class="button" type="submit" .textContent=${texts.tenants.submit}></button>
      </form>
    </section>`;
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
