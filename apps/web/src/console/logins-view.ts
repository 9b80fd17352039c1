/** How far logins come, and how fast. Each chart is a table, or has one below it. */

import type { Statistics } from '@qrcast/core/statistics';
import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import { bar, columns } from './charts.ts';
import { createLoader } from './loader.ts';
import { choice, emptyNote, failureNote, heading } from './parts.ts';
import type { Context, Screen, Words } from './screen.ts';
import { type LoginFigures, loginFigures } from './statistics-model.ts';
import { table } from './table.ts';
import { wordOf } from './texts.ts';

type Span = '24' | '168';

const EVERY_MS = 30_000;
const SLOTS_OF_A_DAY = 24;

export function openLogins({ api, role, words, redraw }: Context): Screen {
  const loader = createLoader<Statistics>(redraw);
  let span: Span = '24';
  const load = (isNew = false): void => {
    const path = `${role === 'operator' ? '/v1/admin' : '/v1'}/statistics?hours=${span}`;
    void loader.load(() => api.call<Statistics>('GET', path), isNew);
  };
  load();
  const ticking = setInterval(load, EVERY_MS);
  const onSpan = (value: Span): void => {
    span = value;
    load(true); // the old figures would stand under the new span
    redraw();
  };
  return {
    template() {
      const { texts } = words();
      const spans = Object.entries(texts.logins.spans) as [Span, string][];
      const state = loader.now();
      return html`${heading(texts.views.logins, texts.logins.lead, choice(texts.logins.span, spans, span, onSpan))}
        ${state.kind === 'failed' ? failureNote(state.failure, words(), load) : state.kind === 'loading' ? emptyNote(texts.loading) : figuresTemplate(loginFigures(state.value), words())}`;
    },
    close() {
      clearInterval(ticking);
      loader.close();
    },
  };
}

function figuresTemplate(figures: LoginFigures, words: Words): Markup {
  const { texts } = words;
  if (figures.funnel.every(({ count }) => count === 0) && figures.ends.length === 0) return emptyNote(texts.logins.none);
  return html`<div class="cards">${funnelTemplate(figures, words)}${slotsTemplate(figures, words)}${firstCodeTemplate(figures, words)}${endsTemplate(figures, words)}</div>`;
}

function funnelTemplate({ funnel }: LoginFigures, { texts: { logins }, format }: Words): Markup {
  return html`<section class="card">
    <h2 .textContent=${logins.funnel}></h2><p class="lead" .textContent=${logins.funnelNote}></p>
    ${table({
      caption: logins.funnel,
      columns: [
        { label: logins.step, cell: ({ step }) => logins.steps[step] },
        { label: logins.share, style: 'wide', cell: ({ share, step }) => bar(share, step === 'connected' ? 'good' : 'accent') },
        { label: logins.count, style: 'number', cell: ({ count, share }) => `${format.number(count)} · ${format.percent(share)}` },
      ],
      rows: funnel,
      keyOf: ({ step }) => step,
    })}
  </section>`;
}

function slotsTemplate({ slots }: LoginFigures, { texts: { logins }, format }: Words): Markup {
  const top = Math.max(1, ...slots.map(({ attempts, logins: made }) => Math.max(attempts, made)));
  const stacks = slots.map(({ startsAt, attempts, logins: made }) => ({
    label: slots.length > SLOTS_OF_A_DAY ? format.hour(startsAt) : format.minute(startsAt),
    parts: [
      { value: made, tone: 'good' },
      { value: Math.max(0, attempts - made), tone: 'accent' },
    ],
  }));
  return html`<section class="card">
    <h2 .textContent=${logins.overTime}></h2>
    <p class="legend"><span class="key good" .textContent=${logins.logins}></span><span class="key accent" .textContent=${logins.attempts}></span></p>
    ${columns(stacks, top, format.number(top))}
    ${detailsTable(
      logins.asTable,
      table({
        caption: logins.overTime,
        columns: [
          { label: logins.from, cell: ({ startsAt }) => format.hour(startsAt) },
          { label: logins.attempts, style: 'number', cell: ({ attempts }) => format.number(attempts) },
          { label: logins.logins, style: 'number', cell: ({ logins: made }) => format.number(made) },
        ],
        rows: slots,
        keyOf: ({ startsAt }) => String(startsAt),
      }),
    )}
  </section>`;
}

function firstCodeTemplate({ firstCode, withinSecond }: LoginFigures, { texts: { logins }, format }: Words): Markup {
  const top = Math.max(1, ...firstCode.map(({ count }) => count));
  const last = firstCode.at(-2)?.bound ?? 0;
  const label = (bound: number | null): string =>
    bound === null ? logins.longer(format.number(last)) : logins.within(format.number(bound));
  const stacks = firstCode.map(({ bound, count }) => ({
    label: label(bound),
    parts: [{ value: count, tone: (bound ?? 61) <= 1 ? 'good' : (bound ?? 61) <= 5 ? 'warn' : 'bad' }],
  }));
  return html`<section class="card">
    <h2 .textContent=${logins.firstCode}></h2>
    ${withinSecond === null ? nothing : html`<p class="lead" .textContent=${logins.firstCodeNote(format.percent(withinSecond))}></p>`}
    ${columns(stacks, top, format.number(top))}
    ${detailsTable(
      logins.asTable,
      table({
        caption: logins.firstCode,
        columns: [
          { label: logins.took, cell: ({ bound }) => label(bound) },
          { label: logins.count, style: 'number', cell: ({ count }) => format.number(count) },
        ],
        rows: firstCode,
        keyOf: ({ bound }) => String(bound),
      }),
    )}
  </section>`;
}

function endsTemplate({ ends }: LoginFigures, { texts, format }: Words): Markup {
  const { logins } = texts;
  const most = Math.max(1, ...ends.map(({ count }) => count));
  const rows = table({
    caption: logins.ends,
    columns: [
      { label: logins.reason, cell: ({ reason }) => wordOf(texts.ends, reason) },
      { label: logins.share, style: 'wide', cell: ({ count }) => bar(count / most, 'bad') },
      { label: logins.count, style: 'number', cell: ({ count }) => format.number(count) },
    ],
    rows: ends,
    keyOf: ({ reason }) => reason,
  });
  return html`<section class="card"><h2 .textContent=${logins.ends}></h2>${ends.length === 0 ? emptyNote(logins.noEnds) : rows}</section>`;
}

export function detailsTable(label: string, content: Markup): Markup {
  return html`<details><summary .textContent=${label}></summary>${content}</details>`;
}
