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

const NO_FILTER: Filter = { action: '', sessionId: '', tenantId: '', cursor: '' };

/** The query of the call. Fields that are '' are left out. */
export function auditPath(isOperator: boolean, { tenantId, ...filter }: Filter): string {
  const fields = Object.entries({ ...filter, tenantId: isOperator ? tenantId : '' }).map(([name, value]) => [name, value.trim()] as const);
  const query = new URLSearchParams([...fields.filter(([, value]) => value !== '').map(([name, value]) => [name, value]), ['limit', '50']]);
  return `${isOperator ? '/v1/admin' : '/v1'}/audit?${query}`;
}

export function openAudit({ api, role, words, redraw }: Context): Screen {
  const isOperator = role === 'operator';
  const loader = createLoader<Page>(redraw);
  /** What stands in the fields. It counts once it is submitted: a cursor belongs to the filter of its page. */
  let typed: Filter = NO_FILTER;
  let submitted: Filter = NO_FILTER;
  const load = (isNew = false): void => {
    const path = auditPath(isOperator, submitted);
    void loader.load(() => api.call<Page>('GET', path), isNew);
  };
  const edit = (part: Partial<Filter>): void => {
    typed = { ...typed, ...part };
  };
  const turnTo = (cursor: string): void => {
    submitted = { ...submitted, cursor };
    load();
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    submitted = typed;
    load(true); // the old page would stand under the new filter
  };
  load();
  return {
    template() {
      const { texts } = words();
      const state = loader.now();
      return html`${heading(texts.views.audit, texts.audit.lead)}
        <form class="filters" @submit=${submit}>
          ${select('action', texts.audit.action, [['', texts.audit.anyAction], ...Object.entries(texts.audit.actions)], typed.action, (action) => edit({ action }))}
          ${textField('session', texts.audit.session, { value: typed.sessionId, onInput: (sessionId) => edit({ sessionId }) })}
          ${isOperator ? textField('tenant', texts.audit.tenant, { value: typed.tenantId, onInput: (tenantId) => edit({ tenantId }) }) : nothing}
          <button class="button" type="submit" .textContent=${texts.audit.filter}></button>
        </form>
        ${state.kind === 'failed' ? failureNote(state.failure, words(), load) : state.kind === 'loading' ? emptyNote(texts.loading) : pageTemplate(state.value, submitted, words(), turnTo)}`;
    },
    close: loader.close,
  };
}

function pageTemplate({ entries, nextCursor }: Page, { cursor }: Filter, words: Words, turnTo: (cursor: string) => void): Markup {
  const { texts } = words;
  return html`${entries.length === 0 ? emptyNote(texts.audit.none) : table({ caption: texts.views.audit, columns: columnsOf(words), rows: entries, keyOf: ({ id }) => id })}
    <div class="pages">
      ${cursor === '' ? nothing : button(texts.audit.newest, () => turnTo(''))}
      ${nextCursor === null ? nothing : button(texts.audit.older, () => turnTo(nextCursor))}
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
