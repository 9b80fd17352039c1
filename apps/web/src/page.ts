/** One open login page: keeps the model, feeds it from the stream and the viewer, and draws it whenever a message or time changes it. */

import { createServerClock } from './clock.ts';
import { type Call, type Connection, isFinal, type Model, START, withCall, withConnection, withFresh, withSession } from './model.ts';
import { createScreen } from './screen.ts';
import { type Answer, openStream, type Stream } from './stream.ts';
import type { Texts } from './texts.ts';
import { forgetTicket } from './ticket.ts';
import { blankAt, toView } from './view.ts';

/** How often countdowns are drawn anew. The picture has its own, exact moment. */
const TICK_MS = 250;

export class Page {
  readonly #texts: Texts;
  readonly #clock = createServerClock({ monotonic: () => performance.now(), wall: () => Date.now() });
  readonly #screen;
  #stream: Stream | null = null;
  #model: Model = START;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(texts: Texts, parent: HTMLElement) {
    this.#texts = texts;
    this.#screen = createScreen({ root: document.documentElement, parent }, texts, {
      onPassword: (password) => this.#ask((stream, id) => stream.sendPassword(id, password)),
      onResume: () => this.#ask((stream, id) => stream.resume(id)),
    });
  }

  /** To be called once. @param ticket null if the page was opened without one */
  open(ticket: string | null): void {
    if (ticket === null) {
      this.#become(withConnection(this.#model, { kind: 'refused', code: 'no_ticket' }));
      return;
    }
    this.#stream = openStream(
      { ticket, isVisible: () => !document.hidden },
      {
        onConnection: (connection) => this.#handleConnection(connection),
        onSession: (session) => {
          this.#clock.sync(session.serverNow);
          this.#become(withSession(this.#model, session, session.serverNow));
          if (isFinal(session)) this.#stream?.close();
        },
        onFresh: (fresh) => this.#become(withFresh(this.#model, fresh, this.#clock.now() ?? fresh.staleAt)),
      },
    );
    addEventListener('online', () => this.#stream?.hurry());
    addEventListener('pageshow', () => this.#draw());
    document.addEventListener('visibilitychange', () => {
      this.#draw();
      this.#stream?.sendVisibility();
    });
    this.#draw();
  }

  #handleConnection(connection: Connection): void {
    if (connection.kind === 'open') this.#clock.restart();
    if (connection.kind === 'refused') forgetTicket();
    this.#become(withConnection(this.#model, connection));
  }

  #ask(send: (stream: Stream, sessionId: string) => Promise<Answer>): void {
    const { session } = this.#model;
    if (this.#stream === null || session === null) return;
    this.#become(withCall(this.#model, { kind: 'sending' }));
    void send(this.#stream, session.id).then((answer) => {
      const call: Call = answer.ok ? { kind: 'accepted' } : { kind: 'failed', code: answer.error.code };
      // The session may have moved on meanwhile: then success has nothing to wait for, and a failure belongs to another screen.
      const { state, version } = this.#model.session ?? session;
      if (answer.ok ? version === session.version : state === session.state) this.#become(withCall(this.#model, call));
    });
  }

  #become(model: Model): void {
    this.#model = model;
    this.#draw();
  }

  /** Draws, and comes back in time for the next change that only time makes: without any message a code must still go. */
  #draw(): void {
    clearTimeout(this.#timer);
    const now = this.#clock.now();
    const { session, connection } = this.#model;
    const isOver = connection.kind === 'refused' || (session !== null && isFinal(session));
    if (!isOver) this.#timer = setTimeout(() => this.#draw(), untilNextDraw(this.#model, now));
    const view = toView(this.#model, this.#texts, now);
    this.#screen.show(view);
    document.title = `${view.headline.title} · ${this.#texts.page}`;
    if (this.#clock.isSuspect()) this.#stream?.reconnect();
  }
}

function untilNextDraw(model: Model, now: number | null): number {
  const gone = blankAt(model);
  const leftMs = gone === null || now === null ? 0 : gone - now;
  return leftMs > 0 ? Math.min(TICK_MS, leftMs) : TICK_MS;
}
