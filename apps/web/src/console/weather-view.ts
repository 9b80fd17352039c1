/** How the provider answers, host by host. */

import type { Weather } from '@qrcast/core/weather';
import { html, type Markup } from '../tidy-html.ts';
import { columns } from './charts.ts';
import { createLoader } from './loader.ts';
import { detailsTable } from './logins-view.ts';
import { badge, emptyNote, failureNote, heading } from './parts.ts';
import type { Context, Screen, Words } from './screen.ts';
import { table } from './table.ts';
import { type HostFigures, hostFigures } from './weather-model.ts';

const MINUTES = 60;
const EVERY_MS = 15_000;

export function openWeather({ api, words, redraw }: Context): Screen {
  const loader = createLoader<Weather>(redraw);
  const load = (): void => void loader.load(() => api.call<Weather>('GET', `/v1/admin/weather?minutes=${MINUTES}`));
  load();
  const ticking = setInterval(load, EVERY_MS);
  return {
    template() {
      const { texts } = words();
      const state = loader.now();
      const hosts = state.kind === 'here' ? hostFigures(state.value, Date.now(), MINUTES) : [];
      const body =
        hosts.length === 0
          ? emptyNote(texts.weather.none)
          : html`<div class="cards">${hosts.map((host) => hostTemplate(host, words()))}</div>`;
      return html`${heading(texts.views.weather, texts.weather.lead)}
        ${state.kind === 'failed' ? failureNote(state.failure, words(), load) : state.kind === 'loading' ? emptyNote(texts.loading) : body}`;
    },
    close() {
      clearInterval(ticking);
      loader.close();
    },
  };
}

function hostTemplate(
  { host, state, requests, failedShare, usualSeconds, minutes, outcomes }: HostFigures,
  { texts, format }: Words,
): Markup {
  const { weather } = texts;
  const top = Math.max(1, ...minutes.map((minute) => minute.requests));
  const stacks = minutes.map((minute) => ({
    label: format.minute(minute.startsAt),
    parts: [
      { value: Math.max(0, minute.requests - minute.slow - minute.failed), tone: 'good' },
      { value: minute.slow, tone: 'warn' },
      { value: minute.failed, tone: 'bad' },
    ],
  }));
  const fact = (label: string, value: string): Markup => html`<div><dt .textContent=${label}></dt><dd .textContent=${value}></dd></div>`;
  return html`<section class="card">
    <div class="row"><h2 class="id" .textContent=${host}></h2>${badge(state, weather.states[state])}</div>
    <p class="lead" .textContent=${weather.meaning[state]}></p>
    <dl class="facts">
      ${fact(weather.requests, format.number(requests))}
      ${fact(weather.failed, format.percent(failedShare))}
      ${fact(weather.usual, usualSeconds === null ? '–' : weather.within(format.number(usualSeconds)))}
    </dl>
    ${columns(stacks, top, format.number(top))}
    <p class="legend"><span class="key good" .textContent=${weather.states.fine}></span><span class="key warn" .textContent=${weather.slow}></span><span class="key bad" .textContent=${weather.failed}></span></p>
    ${detailsTable(texts.logins.asTable, html`${minutesTable(minutes, host, { texts, format })}${outcomesTable(outcomes, { texts, format })}`)}
  </section>`;
}

type Told = Pick<Words, 'texts' | 'format'>;

function minutesTable(minutes: HostFigures['minutes'], host: string, { texts: { weather }, format }: Told): Markup {
  return table({
    caption: weather.picture(host),
    columns: [
      { label: weather.minute, cell: ({ startsAt }) => format.minute(startsAt) },
      { label: weather.requests, style: 'number', cell: ({ requests }) => format.number(requests) },
      { label: weather.slow, style: 'number', cell: ({ slow }) => format.number(slow) },
      { label: weather.failed, style: 'number', cell: ({ failed }) => format.number(failed) },
    ],
    rows: minutes.filter(({ requests }) => requests > 0),
    keyOf: ({ startsAt }) => String(startsAt),
  });
}

function outcomesTable(outcomes: HostFigures['outcomes'], { texts: { weather, logins }, format }: Told): Markup {
  return table({
    caption: weather.outcomes,
    columns: [
      { label: weather.outcomes, style: 'id', cell: ({ outcome }) => outcome },
      { label: logins.count, style: 'number', cell: ({ count }) => format.number(count) },
    ],
    rows: outcomes,
    keyOf: ({ outcome }) => outcome,
  });
}
