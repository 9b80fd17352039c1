/** The sessions, live. */

import type { Overview, OverviewSession } from '@qrcast/core/overview';
import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import type { Failure } from './api.ts';
import { type FeedState, openOverviewFeed } from './overview-feed.ts';
import { choose, type Filter, isOver, type Known, learn, NO_FILTER, NOTHING_KNOWN, tenantsIn } from './overview-model.ts';
import { badge, button, emptyNote, failureNote, heading, select, text, textField } from './parts.ts';
import { hashOf } from './routes.ts';
import type { Context, Screen, Words } from './screen.ts';
import { type Column, table } from './table.ts';

/** `failure`: the gateway may have named a time before which a pause must not be ended. */
type Following = FeedState | { readonly kind: 'paused'; readonly at: number; readonly failure: Failure | null };

interface View {
  readonly known: Known;
  readonly filter: Filter;
  readonly following: Following;
}

export function openSessions({ api, role, words, redraw, announce }: Context): Screen {
  let view: View = { known: NOTHING_KNOWN, filter: NO_FILTER, following: { kind: 'connecting', failure: null } };
  const change = (part: Partial<View>): void => {
    view = { ...view, ...part };
    redraw();
  };
  const onState = (following: FeedState): void => {
    const { sessions, troubles } = words().texts;
    if (following.kind !== view.following.kind && following.kind !== 'connecting')
      announce(following.kind === 'live' ? sessions.live : troubles[following.failure.trouble].title);
    change({ following });
  };
  const begin = () => {
    const path = role === 'operator' ? '/v1/admin/overview' : '/v1/overview';
    const onOverview = (overview: Overview): void => change({ known: learn(view.known, overview, Date.now()) });
    return openOverviewFeed({ api, path, onOverview, onState }, failureOf(view.following));
  };
  let feed = begin();
  const pause = (): void => {
    feed.close();
    change({ following: { kind: 'paused', at: Date.now(), failure: failureOf(view.following) } });
  };
  const goOn = (): void => {
    feed.close();
    feed = begin();
  };
  return {
    template: () => sessionsTemplate(view, role === 'operator', words(), { pause, goOn, filter: (filter) => change({ filter }) }),
    close: () => feed.close(),
  };
}

const failureOf = (following: Following): Failure | null => (following.kind === 'live' ? null : following.failure);

interface Handlers {
  readonly pause: () => void;
  readonly goOn: () => void;
  readonly filter: (filter: Filter) => void;
}

function sessionsTemplate(
  { known, filter, following }: View,
  isOperator: boolean,
  words: Words,
  { pause, goOn, filter: onFilter }: Handlers,
): Markup {
  const { sessions: texts } = words.texts;
  const rows = choose(known, filter);
  const isStopped = following.kind === 'paused';
  const aside = html`<div class="aside">
    ${followingTemplate(following, words)}
    ${following.kind === 'refused' ? nothing : button(isStopped ? texts.goOn : texts.pause, isStopped ? goOn : pause)}
  </div>`;
  return html`${heading(words.texts.views.sessions, texts.lead, aside)}
    ${troubleTemplate(following, words, goOn)}
    <div class="filters">
      ${textField('search', texts.search, { value: filter.text, hint: texts.searchHint, onInput: (value) => onFilter({ ...filter, text: value }) })}
      ${select('state', texts.state, statesOf(words), filter.state, (state) => onFilter({ ...filter, state }))}
      ${isOperator ? select('tenant', texts.tenant, [['', texts.anyTenant], ...tenantsIn(known).map((id) => [id, id] as const)], filter.tenantId, (tenantId) => onFilter({ ...filter, tenantId })) : nothing}
      <p class="count" .textContent=${texts.shown(words.format.number(rows.length), words.format.number(known.sessions.size))}></p>
    </div>
    ${rows.length > 0 ? table({ caption: words.texts.views.sessions, columns: columnsOf(known, isOperator, words), rows, keyOf: ({ id }) => id, styleOf: (row) => (isOver(row) ? 'over' : '') }) : emptyTemplate(known, following, words)}
    ${known.isCut ? html`<p class="foot" .textContent=${texts.isCut}></p>` : nothing}`;
}

/** What a person can do about a stream that was lost. A badge says that it was, and when it is tried again. */
function troubleTemplate(following: Following, words: Words, goOn: () => void): Markup | typeof nothing {
  if (following.kind === 'refused') return failureNote(following.failure, words, goOn);
  const failure = failureOf(following);
  if (failure === null || failure.trouble === 'noConnection' || failure.trouble === 'draining') return nothing;
  return failureNote({ ...failure, retryAt: null }, words, null);
}

/** Nothing is said about the sessions before anything is known of them. */
function emptyTemplate(known: Known, following: Following, { texts }: Words): Markup | typeof nothing {
  if (known !== NOTHING_KNOWN) return emptyNote(known.sessions.size === 0 ? texts.sessions.none : texts.sessions.noneFit);
  return following.kind === 'connecting' ? emptyNote(texts.loading) : nothing;
}

function statesOf({ texts }: Words): readonly (readonly [string, string])[] {
  return [['', texts.sessions.anyState], ['live', texts.sessions.liveOnly], ...Object.entries(texts.states)];
}

function followingTemplate(following: Following, { texts, format }: Words): Markup {
  const { sessions } = texts;
  switch (following.kind) {
    case 'live':
      return badge('live', sessions.live);
    case 'paused':
      return badge('idle', sessions.paused(format.time(following.at, following.at)));
    case 'lost':
      return badge(
        'bad',
        sessions.lost(texts.troubles[following.failure.trouble].title, format.countdown(Math.max(0, following.retryAt - Date.now()))),
      );
    case 'refused':
      return badge('bad', texts.troubles[following.failure.trouble].title);
    case 'connecting':
      return badge('waiting', sessions.connecting);
    default:
      return following satisfies never;
  }
}

function columnsOf({ aheadMs }: Known, isOperator: boolean, { texts, format }: Words): readonly Column<OverviewSession>[] {
  const { columns } = texts.sessions;
  const now = Date.now() + aheadMs;
  const remark = ({ notice, end }: OverviewSession): string =>
    end !== null ? texts.ends[end.reason] : notice !== null ? texts.notices[notice.code] : '';
  const tenant: Column<OverviewSession> = { label: columns.tenant, cell: ({ tenantId }) => tenantId };
  return [
    {
      label: columns.session,
      style: 'id',
      cell: ({ id, reference }) =>
        html`<a href=${hashOf({ view: 'session', id })} .textContent=${id}></a>${reference === null ? nothing : text(reference, 'sub')}`,
    },
    { label: columns.state, cell: ({ state }) => badge(state, texts.states[state]) },
    ...(isOperator ? [tenant] : []),
    { label: columns.instance, style: 'id', cell: ({ instanceId }) => instanceId },
    { label: columns.viewers, style: 'number', cell: ({ viewers }) => format.number(viewers) },
    { label: columns.remark, cell: remark },
    { label: columns.age, style: 'number', cell: ({ createdAt }) => format.span(now - createdAt) },
  ];
}
