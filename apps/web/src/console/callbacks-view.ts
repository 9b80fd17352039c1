/** What the tenant's own server was told, and whether it took it. */

import type { WireCallback } from '@qrcast/core/callback';
import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import type { Failure } from './api.ts';
import { createLoader } from './loader.ts';
import { badge, button, emptyNote, failureNote, heading, select, text } from './parts.ts';
import { hashOf } from './routes.ts';
import type { Context, Screen, Words } from './screen.ts';
import { type Column, table } from './table.ts';
import { wordOf } from './texts.ts';

interface Page {
  readonly callbacks: readonly WireCallback[];
  readonly nextCursor: string | null;
}

const TONES = { pending: 'waiting', delivered: 'good', failed: 'bad' } as const;

export function openCallbacks({ api, words, redraw, announce }: Context): Screen {
  const loader = createLoader<Page>(redraw);
  let filter = { state: '', cursor: '' };
  let failure: Failure | null = null;
  let isSending = false;
  const load = (part: Partial<typeof filter> = {}): void => {
    const isNew = part.state !== undefined; // the cursor of the old page belongs to the old filter
    filter = { ...filter, ...part };
    const query = new URLSearchParams([...Object.entries(filter).filter(([, value]) => value !== ''), ['limit', '50']]);
    void loader.load(() => api.call<Page>('GET', `/v1/callbacks?${query}`), isNew);
  };
  const replay = async (id: string): Promise<void> => {
    if (isSending) return;
    isSending = true;
    const answer = await api.call('POST', `/v1/callbacks/${encodeURIComponent(id)}/replay`);
    isSending = false;
    failure = answer.ok ? null : answer.failure;
    if (answer.ok) announce(words().texts.callbacks.replayed);
    load();
  };
  load();
  return {
    template() {
      const { texts } = words();
      const { callbacks } = texts;
      const state = loader.now();
      const states: [string, string][] = [['', callbacks.anyState], ...Object.entries(callbacks.states)];
      return html`${heading(texts.views.callbacks, callbacks.lead)}
        <div class="filters">${select('state', callbacks.state, states, filter.state, (value) => load({ state: value, cursor: '' }))}</div>
        ${failure === null ? nothing : failureNote(failure, words(), null)}
        ${state.kind === 'failed' ? failureNote(state.failure, words(), load) : state.kind === 'loading' ? emptyNote(texts.loading) : pageTemplate(state.value, words(), replay, load)}`;
    },
    close: loader.close,
  };
}

function pageTemplate(
  { callbacks, nextCursor }: Page,
  words: Words,
  replay: (id: string) => Promise<void>,
  load: (part: { cursor: string }) => void,
): Markup {
  const { texts } = words;
  return html`${callbacks.length === 0 ? emptyNote(texts.callbacks.none) : table({ caption: texts.views.callbacks, columns: columnsOf(words, replay), rows: callbacks, keyOf: ({ id }) => id })}
    <div class="pages">${nextCursor === null ? nothing : button(texts.more, () => load({ cursor: nextCursor }))}</div>`;
}

function columnsOf({ texts: { callbacks: texts }, format }: Words, replay: (id: string) => Promise<void>): readonly Column<WireCallback>[] {
  const lastTry = ({ attempts, nextAttemptAt }: WireCallback): Markup => {
    const last = attempts.at(-1);
    const result =
      last === undefined ? '' : last.status === undefined ? (last.cause ?? last.error ?? '') : texts.status(String(last.status));
    return html`${text(result)}${nextAttemptAt === null ? nothing : text(texts.nextAt(format.time(nextAttemptAt, Date.now())), 'sub')}`;
  };
  return [
    { label: texts.columns.at, cell: ({ createdAt }) => format.dateTime(createdAt) },
    { label: texts.columns.type, cell: ({ type }) => wordOf(texts.types, type) },
    {
      label: texts.columns.session,
      style: 'id',
      cell: ({ sessionId: id }) => html`<a href=${hashOf({ view: 'session', id })} .textContent=${id}></a>`,
    },
    { label: texts.columns.state, cell: ({ state }) => badge(TONES[state], texts.states[state]) },
    { label: texts.columns.tries, cell: lastTry },
    { label: texts.columns.actions, cell: ({ id }) => button(texts.replay, () => void replay(id), { name: texts.replayLabel(id) }) },
  ];
}
