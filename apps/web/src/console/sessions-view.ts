/** The sessions, live. */

import type { OverviewSession } from '@qrcast/core/overview';
import { nothing } from 'lit';
import { html, type Markup } from '../tidy-html.ts';
import { type FeedState, openOverviewFeed } from './overview-feed.ts';
import { choose, type Filter, isOver, type Known, learn, NO_FILTER, NOTHING_KNOWN, tenantsIn } from './overview-model.ts';
import { badge, button, emptyNote, failureNote, heading, select, text, textField } from './parts.ts';
import { hashOf } from './routes.ts';
import type { Context, Screen, Words } from './screen.ts';
import { type Column, table } from './table.ts';

type Following = FeedState | { readonly kind: 'paused'; readonly at: number };

interface View {
  readonly known: Known;
  readonly filter: Filter;
  readonly following: Following;
}

export function openSessions({ api, role, words, redraw, announce }: Context): Screen {
  let view: View = { known: NOTHING_KNOWN, filter: NO_FILTER, following: { kind: 'connecting' } };
  const change = (part: Partial<View>): void => {
    view = { ...view, ...part };
    redraw();
  };
  const begin = () =>
    openOverviewFeed({
      api,
      path: role === 'operator' ? '/v1/admin/overview' : '/v1/overview',
      onOverview: (overview) => change({ known: learn(view.known, overview, Date.now()) }),
      onState(following) {
        const { sessions } = words().texts;
        if (following.kind !== view.following.kind && following.kind !== 'connecting')
          announce(following.kind === 'live' ? sessions.live : words().texts.troubles.noConnection.title);
        change({ following });
      },
    });
  let feed = begin();
  const ticking = setInterval(redraw, 1_000); // ages, and the time until the next try
  const pause = (): void => {
    feed.close();
    change({ following: { kind: 'paused', at: Date.now() } });
  };
  const goOn = (): void => {
    feed.close();
    feed = begin();
  };
  return {
    template: () => sessionsTemplate(view, role === 'operator', words(), { pause, goOn, filter: (filter) => change({ filter }) }),
    close() {
      clearInterval(ticking);
      feed.close();
    },
  };
}

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
    ${following.kind === 'refused' ? failureNote(following.failure, words.texts, goOn) : nothing}
    <div class="filters">
      ${textField('search', texts.search, { value: filter.text, hint: texts.searchHint, onInput: (value) => onFilter({ ...filter, text: value }) })}
      ${select('state', texts.state, statesOf(words), filter.state, (state) => onFilter({ ...filter, state }))}
      ${isOperator ? select('tenant', texts.tenant, [['', texts.anyTenant], ...tenantsIn(known).map((id) => [id, id] as const)], filter.tenantId, (tenantId) => onFilter({ ...filter, tenantId })) : nothing}
      <p class="count" .textContent=${texts.shown(words.format.number(rows.length), words.format.number(known.sessions.size))}></p>
    </div>
    ${rows.length > 0 ? table({ caption: words.texts.views.sessions, columns: columnsOf(known, isOperator, words), rows, keyOf: ({ id }) => id, styleOf: (row) => (isOver(row) ? 'over' : '') }) : emptyNote(following.kind === 'connecting' ? words.texts.loading : known.sessions.size === 0 ? texts.none : texts.noneFit)}
    ${known.isCut ? html`<p class="foot" .textContent=${texts.isCut}></p>` : nothing}`;
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
      return badge('bad', sessions.lost(format.span(Math.max(0, following.retryAt - Date.now()))));
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
