/**
 * What stands on the screen, as a value: no DOM, no clock. `toView` is asked again several times a second and after every change, and it
 * alone decides whether a code may be seen: only before `blankAt`, and only as a picture that stands in the message itself.
 */

import type { WireSession } from '@qrcast/core/wire';
import { isFinal, type Model } from './model.ts';
import type { Headline, Texts } from './texts.ts';

/** The session's state, except where the page knows better: a session whose code ran out is shown as `waiting`. */
export type ScreenState = WireSession['state'] | 'connecting' | 'refused';

export type Body =
  /** `note`: what is wrong meanwhile, or when the next try is. */
  | { readonly kind: 'skeleton'; readonly note: string | null }
  /** `share`: of the countdown that is left, 0…1. */
  | { readonly kind: 'code'; readonly image: string; readonly secondsLeft: number; readonly share: number; readonly note: string | null }
  | { readonly kind: 'password'; readonly error: string | null; readonly isBusy: boolean }
  | { readonly kind: 'success'; readonly phone: MaskedPhone | null }
  | { readonly kind: 'stop'; readonly canResume: boolean; readonly isBusy: boolean; readonly error: string | null };

export interface MaskedPhone {
  readonly masked: string;
  readonly lastDigits: string;
}

export interface View {
  readonly state: ScreenState;
  readonly version: number | null;
  readonly headline: Headline;
  /** Trouble with the connection, over whatever else is shown. */
  readonly banner: string | null;
  readonly body: Body;
  /** The same in words for a screen reader, without anything that ticks: it is read out whenever it changes. */
  readonly announcement: string;
}

/** Codes go this much before `staleAt`: the page's idea of the server's time lags by a message's way, and a timer may be late. */
export const BLANK_EARLY_MS = 300;

const VISIBLE_DIGITS = 4;

/** When the code must be gone, Unix ms of the server's clock; null if there is none. */
export function blankAt({ session }: Model): number | null {
  return session?.code ? session.code.staleAt - BLANK_EARLY_MS : null;
}

/** @param now by the server's clock; null while that is unknown, and no code is shown then */
export function toView(model: Model, texts: Texts, now: number | null): View {
  const { session, connection } = model;
  if (session !== null && isFinal(session)) return toSessionView(model, session, texts, now);
  if (connection.kind === 'refused') {
    const headline = lookup(texts.closes, connection.code, 'unknown');
    return finish(model, 'refused', headline, { kind: 'stop', canResume: false, isBusy: false, error: null }, null);
  }
  const banner = toBanner(model, texts);
  if (session === null) return finish(model, 'connecting', texts.connecting, { kind: 'skeleton', note: null }, banner);
  return toSessionView(model, session, texts, now, banner);
}

function toSessionView(model: Model, session: WireSession, texts: Texts, now: number | null, banner: string | null = null): View {
  switch (session.state) {
    case 'idle':
      return finish(model, 'idle', texts.idle, { kind: 'skeleton', note: null }, banner);
    case 'waiting':
      return finish(
        model,
        'waiting',
        withNotice(texts.waiting, session, texts),
        { kind: 'skeleton', note: retryNote(session, texts, now) },
        banner,
      );
    case 'showing':
      return toShowingView(model, session, texts, now, banner);
    case 'password':
      return finish(model, 'password', texts.password, toPasswordBody(model, session, texts), banner);
    case 'connected':
      return finish(model, 'connected', texts.connected, { kind: 'success', phone: maskPhone(session.account?.phone ?? null) }, banner);
    case 'ended': {
      const headline = lookup(texts.ends, session.end?.reason ?? 'expired', 'expired');
      return finish(model, 'ended', headline, toEndBody(model, session, texts), banner);
    }
    default:
      // A newer gateway may know more states than an open page; a skeleton is honest about all of them.
      session.state satisfies never;
      return finish(model, 'waiting', texts.waiting, { kind: 'skeleton', note: null }, banner);
  }
}

function toShowingView(model: Model, session: WireSession, texts: Texts, now: number | null, banner: string | null): View {
  const note = retryNote(session, texts, now);
  const gone = blankAt(model);
  const image = session.code?.image ?? null;
  if (gone === null || now === null || now >= gone || !isPicture(image)) {
    return finish(model, 'waiting', withNotice(texts.renewing, session, texts), { kind: 'skeleton', note }, banner);
  }
  const leftMs = gone - now;
  const body: Body = {
    kind: 'code',
    image,
    secondsLeft: Math.ceil(leftMs / 1000),
    share: Math.min(1, leftMs / Math.max(1, model.lifetimeMs - BLANK_EARLY_MS)),
    note: session.notice === null ? null : lookup(texts.notices, session.notice.code, 'provider_error'),
  };
  return finish(model, 'showing', texts.showing, body, banner);
}

// No countdown here: `retryAt` is when the provider is asked for the state again, not when it takes another password.
function toPasswordBody({ call }: Model, { notice }: WireSession, texts: Texts): Body {
  const isBusy = call.kind === 'sending' || call.kind === 'accepted';
  const told = notice === null ? null : lookup(texts.notices, notice.code, 'provider_error');
  const error = call.kind === 'failed' ? lookup(texts.calls, call.code, 'other') : told;
  return { kind: 'password', error: isBusy ? null : error, isBusy };
}

function toEndBody({ call }: Model, { end }: WireSession, texts: Texts): Body {
  return {
    kind: 'stop',
    canResume: end?.resumable === true,
    isBusy: call.kind === 'sending' || call.kind === 'accepted',
    error: call.kind === 'failed' ? lookup(texts.calls, call.code, 'other') : null,
  };
}

function finish(model: Model, state: ScreenState, headline: Headline, body: Body, banner: string | null): View {
  const error = body.kind === 'password' || body.kind === 'stop' ? body.error : null;
  const announcement = [banner, headline.title, headline.detail, error].filter((text) => text !== null).join(' ');
  return { state, version: model.session?.version ?? null, headline, banner, body, announcement };
}

function toBanner({ connection }: Model, texts: Texts): string | null {
  if (connection.kind !== 'lost') return null;
  return connection.code === null || connection.code === 'unknown' ? texts.lost : lookup(texts.closes, connection.code, 'unknown').title;
}

function withNotice(headline: Headline, { notice }: WireSession, texts: Texts): Headline {
  return notice === null ? headline : { title: headline.title, detail: lookup(texts.notices, notice.code, 'provider_error') };
}

function retryNote({ notice }: WireSession, texts: Texts, now: number | null): string | null {
  return notice === null ? null : toRetry(notice.retryAt, texts, now);
}

function toRetry(retryAt: number, texts: Texts, now: number | null): string | null {
  if (now === null) return null;
  const seconds = Math.ceil((retryAt - now) / 1000);
  return seconds > 0 ? texts.retryIn(seconds) : texts.retryNow;
}

/** All but the last digits hidden; a number too short to hide anything of is not shown. */
function maskPhone(phone: string | null): MaskedPhone | null {
  const digits = phone?.replace(/\D/g, '') ?? '';
  if (digits.length <= VISIBLE_DIGITS) return null;
  const lastDigits = digits.slice(-VISIBLE_DIGITS);
  return { masked: '•'.repeat(digits.length - VISIBLE_DIGITS) + lastDigits, lastDigits };
}

// Anything but a data URL would be fetched from somewhere, which the page's policy forbids anyway.
function isPicture(image: string | null): image is string {
  return image?.startsWith('data:image/') === true;
}

/** The page may be older than the gateway that talks to it: a word it does not know yet falls back. */
function lookup<K extends string, T>(table: Readonly<Record<K, T>>, key: string, fallback: NoInfer<K>): T {
  return table[Object.hasOwn(table, key) ? (key as K) : fallback];
}
