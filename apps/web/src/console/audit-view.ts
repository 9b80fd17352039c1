/** The audit log, page by page. */

import type { AuditEntry } from '@qrcast/core/audit';
import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import { createLoader } from './loader.ts';
import { button, emptyNote, failureNote, heading, select, text, textField } from './parts.ts';
import { hashOf } from './routes.ts';
import type { Context, Screen, Words } from './screen.ts';
import { type Column, table } from './table.ts';
import { wordOf } from './texts.ts';

interface Page {
  readonly entries: readonly AuditEntry[];
  readonly nextCursor: string | null;
}

interface Filter {
  readonly action: string;
  readonly sessionId: string;
  readonly tenantId: string;
  readonly cursor: string;
}

/** The query of the call. Fields that are '' are left out. */
export function auditPath(isOperator: boolean, { tenantId, ...filter }: Filter): string {
  const fields = Object.entries({ ...filter, tenantId: isOperator ? tenantId : '' }).map(([name, value]) => [name, value.trim()] as const);
  const query = new URLSearchParams([...fields.filter(([, value]) => value !== '').map(([name, value]) => [name, value]), ['limit', '50']]);
  return `${isOperator ? '/v1/admin' : '/v1'}/audit?${query}`;
}

export function openAudit({ api, role, words, redraw }: Context): Screen {
  const isOperator = role === 'operator';
  const loader = createLoader<Page>(redraw);
  let filter: Filter = { action: '', sessionId: '', tenantId: '', cursor: '' };
  const load = (part: Partial<Filter> = {}): void => {
    filter = { ...filter, ...part };
    void loader.load(() => api.call<Page>('GET', auditPath(isOperator, filter)));
  };
  const edit = (part: Partial<Filter>): void => {
    filter = { ...filter, ...part };
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    load({ cursor: '' });
  };
  load();
  return {
    template() {
      const { texts } = words();
      const state = loader.now();
      return html`${heading(texts.views.audit, texts.audit.lead)}
        <form class="filters" @submit=${submit}>
          ${select('action', texts.audit.action, [['', texts.audit.anyAction], ...Object.entries(texts.audit.actions)], filter.action, (action) => edit({ action }))}
          ${textField('session', texts.audit.session, { value: filter.sessionId, onInput: (sessionId) => edit({ sessionId }) })}
          ${isOperator ? textField('tenant', texts.audit.tenant, { value: filter.tenantId, onInput: (tenantId) => edit({ tenantId }) }) : nothing}
          <button class="button" type="submit" .textContent=${texts.audit.filter}></button>
        </form>
        ${state.kind === 'failed' ? failureNote(state.failure, texts, load) : state.kind === 'loading' ? emptyNote(texts.loading) : pageTemplate(state.value, filter, words(), load)}`;
    },
    close: loader.close,
  };
}

function pageTemplate({ entries, nextCursor }: Page, { cursor }: Filter, words: Words, load: (part: Partial<Filter>) => void): Markup {
  const { texts } = words;
  return html`${entries.length === 0 ? emptyNote(texts.audit.none) : table({ caption: texts.views.audit, columns: columnsOf(words), rows: entries, keyOf: ({ id }) => id })}
    <div class="pages">
      ${cursor === '' ? nothing : button(texts.audit.newest, () => load({ cursor: '' }))}
      ${nextCursor === null ? nothing : button(texts.audit.older, () => load({ cursor: nextCursor }))}
    </div>`;
}

function columnsOf({ texts: { audit, ends, notices }, format }: Words): readonly Column<AuditEntry>[] {
  const { columns } = audit;
  const subject = ({ sessionId, tenantId, subjectId }: AuditEntry): Markup => html`
    ${sessionId === null ? nothing : html`<a href=${hashOf({ view: 'session', id: sessionId })} .textContent=${sessionId}></a>`}
    ${subjectId === null ? nothing : text(subjectId, 'sub')}${tenantId === null ? nothing : text(tenantId, 'sub')}`;
  return [
    { label: columns.at, cell: ({ at }) => format.dateTime(at) },
    { label: columns.action, cell: ({ action }) => wordOf(audit.actions, action) },
    {
      label: columns.actor,
      cell: ({ actor }) => html`${text(wordOf(audit.actors, actor.kind))}${actor.id === null ? nothing : text(actor.id, 'sub id')}`,
    },
    { label: columns.subject, style: 'id', cell: subject },
    { label: columns.outcome, cell: ({ outcome }) => wordOf({ ...notices, ...ends, ok: audit.ok }, outcome) },
    {
      label: columns.address,
      style: 'id',
      cell: ({ address, userAgent }) => html`${text(address ?? '')}${userAgent === null ? nothing : text(userAgent, 'sub')}`,
    },
  ];
}
