/**
 * What is on the screen, as a value, without DOM or clock. Computed again after every change and
 * every second of a countdown. The watch decides whether a code may be seen: only a code that its
 * session contains may be shown.
 */

import { isFinal } from '@qrcast/client';
import type { Session } from '@qrcast/client/types';
import type { Icon } from './icons.ts';
import type { Asked, Model } from './login.ts';
import { readableHost } from './readable-host.ts';
import type { Headline, Refusal, Texts } from './texts.ts';

/**
 * The session's state, with one exception: a session whose code has expired is shown as `waiting`.
 */
export type ScreenState = Session['state'] | 'connecting' | 'refused';

export type Body =
  /** `note` says when the next try is. */
  | { readonly kind: 'skeleton'; readonly note: string | null }
  | CodeBody
  /** The code was scanned, and the person has nothing to do. */
  | { readonly kind: 'finishing' }
  | { readonly kind: 'password'; readonly error: string | null; readonly ask: Ask; readonly startOver: StartOver }
  /** `returnsIn`: seconds until the person is returned there. */
  | { readonly kind: 'success'; readonly phone: MaskedPhone | null; readonly way: Way | null; readonly returnsIn: number | null }
  /** `ask` is null if no new code is possible. */
  | { readonly kind: 'stop'; readonly error: string | null; readonly ask: Ask | null; readonly way: Way | null };

export interface CodeBody {
  readonly kind: 'code';
  readonly image: string | null;
  readonly text: string | null;
  /** The code as a link for the phone it is shown on. */
  readonly link: string | null;
  readonly secondsLeft: number;
  /** The rest of the countdown, 0…1. */
  readonly share: number;
  /** A problem to show beside the code. */
  readonly note: string | null;
}

/** The state of a button that makes a call. `waitSeconds` is null if it can be pressed. */
export interface Ask {
  readonly isBusy: boolean;
  readonly waitSeconds: number | null;
}

/** The way out of the password step. `ask` is null if the session allows no more. */
export interface StartOver {
  readonly error: string | null;
  readonly ask: Ask | null;
}

/** Where the person came from. */
export interface Way {
  readonly url: string;
  readonly host: string;
}

export interface MaskedPhone {
  readonly masked: string;
  readonly lastDigits: string;
}

export interface View {
  readonly state: ScreenState;
  readonly version: number | null;
  /** The icon above the text; null if there is a code, or one will come. */
  readonly mark: Icon | null;
  readonly headline: Headline;
  /** A problem with the connection, shown above everything else. */
  readonly banner: string | null;
  readonly body: Body;
  /**
   * The same as text for a screen reader, which reads it aloud whenever it changes. So it has no
   * countdown.
   */
  readonly announcement: string;
  /** The end of the visible countdown, Unix ms on the server's clock; null if there is none. */
  readonly ticksTo: number | null;
}

export interface Moment {
  readonly texts: Texts;
  /** Unix ms on the server's clock; null while that is unknown. */
  readonly now: number | null;
  /**
   * When the person is returned automatically, Unix ms on the server's clock; null if they are not.
   */
  readonly returnAt: number | null;
}

const VISIBLE_DIGITS = 4;
/** The longest countdown on a button. */
const LONGEST_WAIT_MS = 120_000;

export function toView(model: Model, moment: Moment): View {
  const { session, connection } = model;
  const isOver = session !== null && isFinal(session);
  if (connection.status === 'refused' && !isOver) return toRefusedView(connection.code, session, moment.texts);
  const banner = connection.status === 'retrying' && !isOver ? bannerOf(connection.code, session, moment.texts) : null;
  return finish(session === null ? unknownScene(moment) : sceneOf(session, model, moment), session, banner, moment);
}

/** Also for a refusal that the page itself knows, without the gateway. */
export function toRefusedView(refusal: Refusal, session: Session | null, texts: Texts): View {
  const body = { kind: 'stop', error: null, ask: null, way: wayBack(session) } as const;
  const headline = lookup(texts.refusals, refusal, 'unknown');
  const mark = refusal === 'done' ? 'check' : 'alert';
  return finish({ state: 'refused', mark, headline, body, ticksTo: null }, session, null, { texts, now: null, returnAt: null });
}

type Scene = Pick<View, 'state' | 'mark' | 'headline' | 'body' | 'ticksTo'>;

function finish(scene: Scene, session: Session | null, banner: string | null, { texts }: Moment): View {
  const { headline, body } = scene;
  const error = body.kind === 'password' || body.kind === 'stop' ? body.error : null;
  const otherError = body.kind === 'password' ? body.startOver.error : null;
  const leaving = body.kind === 'success' && body.returnsIn !== null && body.way !== null ? texts.returnSoon(body.way.host) : null;
  const announcement = [banner, headline.title, headline.detail, error, otherError, leaving].filter((text) => text !== null).join(' ');
  return { ...scene, version: session?.version ?? null, banner, announcement };
}

function unknownScene({ texts }: Moment): Scene {
  return { state: 'connecting', mark: null, headline: texts.connecting, body: { kind: 'skeleton', note: null }, ticksTo: null };
}

function sceneOf(session: Session, model: Model, moment: Moment): Scene {
  const { texts, now, returnAt } = moment;
  if (isFinishing(session)) {
    return { state: 'waiting', mark: 'dots', headline: texts.finishing, body: { kind: 'finishing' }, ticksTo: null };
  }
  switch (session.state) {
    case 'idle':
      return { state: 'idle', mark: null, headline: texts.idle, body: { kind: 'skeleton', note: null }, ticksTo: null };
    case 'waiting':
      return waitingScene(texts.waiting, session, moment);
    case 'showing':
      return showingScene(session, model, moment);
    case 'password':
      return {
        state: 'password',
        mark: 'lock',
        headline: texts.password,
        body: toPasswordBody(session, model, moment),
        ticksTo: latest([model.callableAt, startOverAt(model, now)]),
      };
    case 'connected': {
      const phone = maskPhone(session.account?.phone ?? null);
      const returnsIn = returnAt === null ? null : secondsTo(returnAt, now);
      const body = { kind: 'success', phone, way: wayBack(session), returnsIn } as const;
      return { state: 'connected', mark: 'check', headline: texts.connected, body, ticksTo: returnAt };
    }
    case 'ended': {
      const headline = lookup(texts.ends, session.end?.reason ?? 'expired', 'expired');
      const mark = session.end?.resumable === true ? 'clock' : 'alert';
      return { state: 'ended', mark, headline, body: toEndBody(session, model, moment), ticksTo: model.callableAt };
    }
    default:
      // A newer gateway may send states that an open page does not know. A skeleton is true for all
      // of them.
      session.state satisfies never;
      return waitingScene(texts.waiting, session, moment);
  }
}

/**
 * Whether the login is being finished. Then no code is shown, whatever else the session contains.
 */
function isFinishing({ state, notice }: Session): boolean {
  return notice?.code === 'login_finishing' && (state === 'idle' || state === 'waiting' || state === 'showing');
}

function waitingScene(headline: Headline, { notice }: Session, { texts, now }: Moment): Scene {
  if (notice === null) return { state: 'waiting', mark: null, headline, body: { kind: 'skeleton', note: null }, ticksTo: null };
  const seconds = secondsTo(notice.retryAt, now);
  const note = seconds === null ? null : seconds > 0 ? texts.retryIn(seconds) : texts.retryNow;
  const told = { title: headline.title, detail: lookup(texts.notices, notice.code, 'provider_error') };
  // The request is under way, and only its answer is late.
  if (notice.code === 'provider_slow')
    return { state: 'waiting', mark: null, headline: told, body: { kind: 'skeleton', note: null }, ticksTo: null };
  return { state: 'waiting', mark: null, headline: told, body: { kind: 'skeleton', note }, ticksTo: notice.retryAt };
}

function showingScene(session: Session, model: Model, moment: Moment): Scene {
  const { texts, now } = moment;
  const { code, notice } = session;
  const image = isPicture(code?.image) ? code.image : null;
  if (code === null || now === null || (image === null && code.text === null)) {
    const isCutOff = model.connection.status === 'retrying';
    if (!isCutOff) return waitingScene(texts.renewing, session, moment);
    return { state: 'waiting', mark: null, headline: texts.cutOff, body: { kind: 'skeleton', note: null }, ticksTo: null };
  }
  const leftMs = code.staleAt - now;
  const body: CodeBody = {
    kind: 'code',
    image,
    text: code.text,
    link: isWebAddress(code.text) ? code.text : null,
    secondsLeft: Math.max(0, Math.ceil(leftMs / 1000)),
    share: Math.min(1, Math.max(0, leftMs / Math.max(1, model.lifetimeMs))),
    note: notice === null ? null : lookup(texts.notices, notice.code, 'provider_error'),
  };
  return { state: 'showing', mark: null, headline: texts.showing, body, ticksTo: code.staleAt };
}

// No countdown from the notice: its `retryAt` does not say when the provider accepts another
// password.
function toPasswordBody({ notice }: Session, model: Model, moment: Moment): Body {
  const { texts, now } = moment;
  const ask = toAsk(model, now);
  const told = notice === null ? null : lookup(texts.notices, notice.code, 'provider_error');
  const error = model.call.kind === 'failed' ? lookup(texts.calls, model.call.code, 'other') : told;
  return { kind: 'password', error: ask.isBusy ? null : error, ask, startOver: toStartOver(model, moment) };
}

function toStartOver(model: Model, { texts, now }: Moment): StartOver {
  const { call, callableAt } = model.startOver;
  const isSpent = callableAt !== null && startOverAt(model, now) === null;
  const code = call.kind === 'failed' ? call.code : null;
  const told = code === null ? null : lookup(texts.calls, code, 'other');
  return {
    error: isSpent && code === 'too_many_requests' ? texts.startOverSpent : told,
    ask: isSpent ? null : toAsk(model.startOver, now),
  };
}

/**
 * When the call can be made; null if at once, or so late that nobody would wait. A session that
 * allows no more says so with a long wait.
 */
function startOverAt({ startOver: { callableAt } }: Model, now: number | null): number | null {
  return callableAt !== null && now !== null && callableAt - now <= LONGEST_WAIT_MS ? callableAt : null;
}

function latest(moments: readonly (number | null)[]): number | null {
  const known = moments.filter((moment) => moment !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function toEndBody(session: Session, model: Model, { texts, now }: Moment): Body {
  const isResumable = session.end?.resumable === true;
  const error = model.call.kind === 'failed' ? lookup(texts.calls, model.call.code, 'other') : null;
  return { kind: 'stop', error, ask: isResumable ? toAsk(model, now) : null, way: isResumable ? null : wayBack(session) };
}

function toAsk({ call, callableAt }: Asked, now: number | null): Ask {
  const waitSeconds = callableAt === null ? null : secondsTo(callableAt, now);
  return { isBusy: call.kind === 'sending' || call.kind === 'accepted', waitSeconds: waitSeconds === 0 ? null : waitSeconds };
}

function bannerOf(code: Refusal | null, session: Session | null, texts: Texts): string {
  const lost = session === null ? texts.unreachable : texts.lost;
  return code === null || code === 'unknown' ? lost : lookup(texts.refusals, code, 'unknown').title;
}

function secondsTo(moment: number, now: number | null): number | null {
  return now === null ? null : Math.max(0, Math.ceil((moment - now) / 1000));
}

/** Offers only a web address as the way back, whatever the session contains. */
export function wayBack(session: Session | null): Way | null {
  const returnUrl = session?.returnUrl ?? '';
  const address = /^https?:/i.test(returnUrl) ? parseUrl(returnUrl) : null;
  return address === null ? null : { url: address.href, host: readableHost(address.host) };
}

/** Hides all but the last digits. Returns null for a number that is too short to hide anything. */
function maskPhone(phone: string | null): MaskedPhone | null {
  const digits = phone?.replace(/\D/g, '') ?? '';
  if (digits.length <= VISIBLE_DIGITS) return null;
  const lastDigits = digits.slice(-VISIBLE_DIGITS);
  return { masked: '•'.repeat(digits.length - VISIBLE_DIGITS) + lastDigits, lastDigits };
}

// The browser would fetch anything but a data URL.
function isPicture(image: string | null | undefined): image is string {
  return image?.startsWith('data:image/') === true;
}

function isWebAddress(text: string | null): text is string {
  return text?.startsWith('https://') === true && parseUrl(text) !== null;
}

/** Like `URL.parse`, which older browsers lack. */
function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null; // TypeError: not an address
  }
}

/**
 * An open page may be older than its gateway, so a code that it does not know gets the text of
 * `fallback`.
 */
function lookup<K extends string, T>(table: Readonly<Record<K, T>>, key: string, fallback: NoInfer<K>): T {
  return table[Object.keys(table).includes(key) ? (key as K) : fallback]; // `Object.hasOwn` is not in every browser
}
