/** What happened to one session: as a line of time, as a list, and as a file for a support ticket. */

import type { Timeline, TimelineEntry } from '@qrcast/core/timeline';
import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import { timeBar } from './charts.ts';
import { createLoader } from './loader.ts';
import { badge, button, emptyNote, failureNote, heading, text } from './parts.ts';
import { hashOf } from './routes.ts';
import type { Context, Loadable, Screen, Words } from './screen.ts';
import { wordOf } from './texts.ts';
import { timeLineOf } from './timeline-model.ts';

export function openSession({ api, role, words, redraw }: Context, id: string): Screen {
  const loader = createLoader<Timeline>(redraw);
  const path = `${role === 'operator' ? '/v1/admin' : '/v1'}/sessions/${id}/timeline`;
  const load = (): void => void loader.load(() => api.call<Timeline>('GET', path));
  load();
  return { template: () => sessionTemplate(id, loader.now(), words(), load), close: loader.close };
}

function sessionTemplate(id: string, state: Loadable<Timeline>, words: Words, onReload: () => void): Markup {
  const { timeline: texts } = words.texts;
  const loaded = state.kind === 'here' ? state.value : null;
  const aside = html`<div class="aside">
    ${loaded === null ? nothing : button(texts.download, () => download(loaded), { style: '' })}
    ${button(texts.reload, onReload)}
  </div>`;
  return html`<p class="back"><a href=${hashOf({ view: 'sessions' })} .textContent=${`← ${texts.back}`}></a></p>
    ${heading(texts.title, id, aside)}
    ${state.kind === 'failed' ? failureNote(state.failure, words, onReload) : state.kind === 'loading' ? emptyNote(words.texts.loading) : timelineTemplate(state.value, words)}`;
}

function timelineTemplate({ entries, isCut }: Timeline, words: Words): Markup {
  const { texts, format } = words;
  const line = timeLineOf({ entries });
  return html`<section class="card">
      ${line.lastState === null ? nothing : badge(line.lastState, wordOf(texts.states, line.lastState))}
      ${timeBar(line.stretches, line.answers, texts.timeline.picture(format.span(line.spanMs)))}
      <p class="ends"><span .textContent=${format.dateTime(line.startedAt)}></span><span .textContent=${format.dateTime(line.startedAt + line.spanMs)}></span></p>
    </section>
    <section class="card">
      <h2 .textContent=${texts.timeline.list}></h2>
      ${isCut ? html`<p class="lead" .textContent=${texts.timeline.isCut}></p>` : nothing}
      <ol class="timeline">${entries.map((entry) => entryTemplate(entry, line.startedAt, words))}</ol>
    </section>`;
}

function entryTemplate(entry: TimelineEntry, startedAt: number, words: Words): Markup {
  const { format } = words;
  const [main, ...notes] = entry.kind === 'change' ? changeWords(entry, words) : deliveryWords(entry, words);
  return html`<li class=${entry.kind === 'change' ? entry.state : 'delivery'}>
    <span class="when"><time datetime=${new Date(entry.at).toISOString()} .textContent=${format.time(entry.at, Date.now())}></time>${text(`+${format.took(entry.at - startedAt)}`, 'sub')}</span>
    <span class="what"><strong .textContent=${main ?? ''}></strong>${notes.filter((note) => note !== '').map((note) => text(note, 'chip'))}</span>
  </li>`;
}

type Of<Kind extends TimelineEntry['kind']> = Extract<TimelineEntry, { readonly kind: Kind }>;

function changeWords(
  { cause, answer, tookMs, state, notice, endReason, isUnwatched, codes, repeats }: Of<'change'>,
  { texts, format }: Words,
): string[] {
  const { timeline } = texts;
  const said = answer === null ? null : wordOf({ ...texts.notices, ...texts.ends, ...timeline.answers }, answer);
  return [
    said === null ? wordOf(timeline.causes, cause) : timeline.answer(said),
    wordOf(texts.states, state),
    tookMs === null ? '' : timeline.took(format.took(tookMs)),
    answer === 'code' && codes > 0 ? timeline.codes(format.number(codes)) : '',
    notice === null || notice === answer ? '' : wordOf(texts.notices, notice),
    endReason === null || endReason === answer ? '' : wordOf(texts.ends, endReason),
    isUnwatched ? timeline.isUnwatched : '',
    repeats > 0 ? timeline.repeats(format.number(repeats)) : '',
  ];
}

function deliveryWords({ gateway, viewers, messages, slowestMs }: Of<'delivery'>, { texts: { timeline }, format }: Words): string[] {
  return [
    timeline.delivery(format.number(viewers), format.number(messages)),
    slowestMs === null ? '' : timeline.slowest(format.took(slowestMs)),
    timeline.gateway(gateway.slice(0, 8)),
  ];
}

/** The timeline holds no code, account or secret, so it can be sent to anybody. */
function download(timeline: Timeline): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(timeline, null, 2)], { type: 'application/json' }));
  const link = Object.assign(document.createElement('a'), { href: url, download: `${timeline.sessionId}-timeline.json` });
  link.click();
  URL.revokeObjectURL(url);
}
