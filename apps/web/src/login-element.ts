/**
 * `<qrcast-login ticket="…">`: one login as an element, with its own texts, style and connection.
 * While it is in a document it watches the session of its ticket, draws its state, and reports it
 * in events that cross shadow roots. README.md describes its attributes, events, variables and
 * parts, which are public.
 */

import { watchSession } from '@qrcast/client';
import type { LoginScreen, QrcastLoginElement } from '@qrcast/client/element';
import type { CallResult } from '@qrcast/client/types';
import { LitElement, type PropertyValues, unsafeCSS } from 'lit';
import { createAutoReturn } from './auto-return.ts';
import { cardTemplate } from './card.ts';
import type { CardHandlers } from './card-handlers.ts';
import codeStyle from './code-panel.css?inline';
import { adoptEarly } from './early-properties.ts';
import { gatewayAddress } from './gateway-address.ts';
import { keepTyping } from './keep-typing.ts';
import { chooseLanguage, type Language, textsOf } from './languages.ts';
import { type Login, type Model, noLogin, type OpenWatch, openLogin, START } from './login.ts';
import style from './login-element.css?inline';
import { eventsBetween } from './login-events.ts';
import { isAnswer, moveFocus } from './move-focus.ts';
import { nearestLanguage } from './nearest-language.ts';
import passwordStyle from './password-form.css?inline';
import { isRendered, onRenderingChange } from './rendered.ts';
import type { Refusal } from './texts.ts';
import type { Markup } from './tidy-html.ts';
import { type Body, toRefusedView, toView, type View, wayBack } from './view.ts';

/** Long enough to read where the return leads, and to cancel it. */
const RETURN_AFTER_MS = 5_000;

// A class that extends another, although this project avoids that: elements cannot be made in any
// other way.
export class LoginElement extends LitElement implements QrcastLoginElement {
  static override styles = [style, codeStyle, passwordStyle].map(unsafeCSS);
  static override properties = {
    ticket: {},
    url: {},
    lang: { reflect: true },
    autoReturn: { type: Boolean, attribute: 'auto-return' },
    ownsPage: { type: Boolean, attribute: 'owns-page' },
    renewTicket: { attribute: false },
    refusal: { attribute: false },
  };

  declare ticket: string | null;
  declare url: string | null;
  declare autoReturn: boolean;
  declare ownsPage: boolean;
  declare renewTicket: (() => Promise<string>) | null;
  declare refusal: Refusal | null;
  /** Tests and previews replace it, because they have no gateway. */
  declare openWatch: OpenWatch;

  #login: Login | null = null;
  #isRendered = false;
  #stopLooking = (): void => undefined;
  #openedFor = '';
  #model: Model = START;
  /** No watch could be opened, and the options were not the reason. */
  #isTooOld = false;
  /**
   * Attributes to ignore when the browser first reports them, because the page set their properties
   * (see early-properties.ts).
   */
  readonly #overruled: Set<string>;
  readonly #return = createAutoReturn(() => this.requestUpdate());
  #isRevealed = false;
  #hadFocus = false;
  #hasActed = false;
  #view: View | null = null;
  /** What was drawn last; null before that. */
  #title: Element | null = null;
  #drawn: Body | null = null;
  /** The last `qrcast-state`, as JSON. */
  #told = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly #handlers: CardHandlers = {
    onPassword: (password) => {
      this.#hasActed = true;
      void this.#login?.sendPassword(password);
    },
    onReveal: () => {
      this.#isRevealed = !this.#isRevealed;
      this.requestUpdate();
    },
    onResume: () => {
      this.#hasActed = true;
      void this.resume();
    },
    onStartOver: () => {
      this.#hasActed = true;
      void this.startOver();
    },
    onStay: () => this.#return.cancel(),
  };

  constructor() {
    super();
    const early = adoptEarly(this, LoginElement.elementProperties.keys());
    this.#overruled = new Set(early.map(attributeOf).filter((name) => this.hasAttribute(name)));
    this.openWatch ??= watchSession;
  }

  override attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (!this.#overruled.delete(name)) super.attributeChangedCallback(name, before, after);
  }

  /**
   * Denies the properties of the class, so that Lit does not overwrite them (see
   * early-properties.ts).
   */
  override hasOwnProperty(name: PropertyKey): boolean {
    return !LoginElement.elementProperties.has(name) && Object.getOwnPropertyDescriptor(this, name) !== undefined;
  }

  protected override createRenderRoot(): ReturnType<LitElement['createRenderRoot']> {
    const root = super.createRenderRoot();
    keepTyping(root);
    return root;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#close();
  }

  async resume(): Promise<CallResult> {
    return this.#login?.resume() ?? noLogin('not_resumable');
  }

  async startOver(): Promise<CallResult> {
    return this.#login?.startOver() ?? noLogin('not_waiting_for_password');
  }

  /**
   * A new watch connects in its next microtask, and what is drawn first takes far longer. So the
   * watch is opened first, and drawing waits for that microtask.
   */
  protected override async scheduleUpdate(): Promise<void> {
    if (this.#follow()) await undefined;
    await super.scheduleUpdate();
  }

  protected override willUpdate(): void {
    this.#hadFocus = this.shadowRoot?.activeElement != null;
    this.#follow(); // a property may have changed since the update was scheduled
  }

  /**
   * Opens a watch of what the properties name, if there is none. Only whether `renewTicket` is set
   * counts, because frameworks set a new function with each of their own updates.
   * @returns whether it has opened one
   */
  #follow(): boolean {
    const wanted = JSON.stringify([this.ticket, this.url, Boolean(this.renewTicket), this.refusal]);
    if (!this.isConnected || wanted === this.#openedFor) return false;
    this.#close();
    this.#openedFor = wanted;
    if (!this.ticket || this.refusal) return false;
    this.#open(this.ticket);
    return true;
  }

  /**
   * Browser extensions may change what is drawn in ways that Lit cannot follow (see tidy-html.ts).
   * Then the whole card is drawn again.
   */
  protected override update(changed: PropertyValues): void {
    if (this.#title?.isConnected === false) this.#clear();
    try {
      super.update(changed);
    } catch {
      this.#clear();
      super.update(changed); // if the error is our own, it is thrown again
    }
  }

  #clear(): void {
    const renderBefore = document.createComment('');
    this.renderRoot.replaceChildren(renderBefore);
    this.renderOptions.renderBefore = renderBefore;
  }

  protected override render(): Markup {
    const language = this.#language();
    const texts = textsOf(language);
    const moment = { texts, now: this.#login?.serverNow() ?? null, returnAt: this.#return.at };
    const refusal = this.refusal ?? this.#ownRefusal();
    this.#view = refusal ? toRefusedView(refusal, null, texts) : toView(this.#model, moment);
    if (this.#view.body.kind !== 'password' || this.#view.body.ask.isBusy) this.#isRevealed = false;
    return cardTemplate(this.#view, { texts, language, isRevealed: this.#isRevealed }, this.#handlers);
  }

  protected override updated(): void {
    if (this.#view === null) return;
    if (this.#login !== null) this.#look(); // with `display: contents` only the drawn card has a box
    this.#title = this.renderRoot.querySelector('#title');
    const { state, version, headline, body } = this.#view;
    moveFocus(this.renderRoot, this.#drawn, body, { hasFocus: this.#hadFocus, hasActed: this.#hasActed, ownsPage: this.ownsPage });
    if (this.#drawn?.kind !== body.kind || isAnswer(this.#drawn, body)) this.#hasActed = false;
    this.#drawn = body;
    const language = this.#language();
    const detail: LoginScreen = { state, version, title: headline.title, language, direction: textsOf(language).direction };
    const told = JSON.stringify(detail);
    if (told !== this.#told) this.#tell('qrcast-state', detail);
    this.#told = told;
    this.#awaitSecond(this.#view.ticksTo);
  }

  /**
   * Nobody can scan an element that is not rendered. Then the gateway makes no codes for it, and
   * its attempt does not begin.
   */
  #look(): void {
    const wasRendered = this.#isRendered;
    this.#isRendered = isRendered(this, this.renderRoot.firstElementChild);
    if (this.#isRendered !== wasRendered) this.#login?.setVisible(this.#isRendered ? null : false);
  }

  #open(ticket: string): void {
    const { renewTicket } = this;
    this.#look();
    this.#stopLooking = onRenderingChange(this, () => this.#look());
    const options = {
      url: gatewayAddress(this.url, this.baseURI),
      ticket,
      ...(this.#isRendered ? {} : { visible: false }),
      ...(renewTicket ? { renewTicket: () => (this.renewTicket ?? renewTicket)() } : {}),
    };
    try {
      this.#login = openLogin({ openWatch: this.openWatch || watchSession, onChange: (model) => this.#become(model) }, options);
      this.#become(this.#login.model);
    } catch (error) {
      // The page's author finds the error in the console. The person sees that there is no login.
      report(error);
      this.#isTooOld = !(error instanceof TypeError && error.message.startsWith('watchSession: '));
      const code = this.#isTooOld ? 'unknown' : 'invalid_request';
      this.#become({ ...START, connection: { status: 'refused', code, detail: String(error) } });
    }
  }

  /** A refusal whose reason only this browser knows. */
  #ownRefusal(): Refusal | null {
    const { connection } = this.#model;
    if (connection.status !== 'refused') return null;
    if (this.#isTooOld) return 'too_old';
    return connection.code === 'origin_not_allowed' && self.origin === 'null' ? 'sandboxed' : null;
  }

  #close(): void {
    this.#return.cancel();
    clearTimeout(this.#timer);
    this.#stopLooking();
    this.#login?.close();
    this.#login = null;
    this.#openedFor = '';
    this.#model = START;
    this.#isTooOld = false;
    this.#hasActed = false;
  }

  #become(model: Model): void {
    const events = eventsBetween(this.#model, model);
    this.#model = model;
    for (const { type, detail } of events) {
      if (type === 'qrcast-connected') this.#prepareReturn();
      this.#tell(type, detail);
    }
    this.requestUpdate();
  }

  #tell(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  #language(): Language {
    const { session } = this.#model;
    return chooseLanguage([this.lang, nearestLanguage(this), session?.locale ?? null, ...navigator.languages]);
  }

  #prepareReturn(): void {
    const now = this.#login?.serverNow() ?? null;
    if (this.autoReturn && now !== null && wayBack(this.#model.session) !== null) this.#return.plan(now + RETURN_AFTER_MS);
  }

  /** Draws again at every whole second until then, and returns the person when the time is over. */
  #awaitSecond(until: number | null): void {
    clearTimeout(this.#timer);
    const now = this.#login?.serverNow() ?? null;
    if (until === null || now === null) return;
    if (until > now) this.#timer = setTimeout(() => this.requestUpdate(), (until - now) % 1000 || 1000);
    else if (this.#return.at !== null) location.replace(wayBack(this.#model.session)?.url ?? '');
  }
}

function attributeOf(property: PropertyKey): string {
  const { attribute } = LoginElement.elementProperties.get(property) ?? {};
  return typeof attribute === 'string' ? attribute : String(property).toLowerCase();
}

/** Reports an error like an exception that nobody caught. */
function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error);
  else dispatchEvent(new ErrorEvent('error', { error, message: String(error), filename: import.meta.url }));
}
