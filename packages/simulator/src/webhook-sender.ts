/**
 * Sends the notifications of one instance to its webhook, as the provider does: one at a time, and
 * only a 200 acknowledges. After any other answer it sends the same one again after a pause, and
 * all later ones wait behind it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { request } from 'undici';
import type { Notification, Notifications } from './notifications.ts';
import type { Settled } from './options.ts';

export interface WebhookTarget {
  readonly url: string;
  /** The `webhookUrlToken`; empty sends no Authorization header. */
  readonly token: string;
  /** The word before the token. '' sends only the token, null no header. */
  readonly scheme: string | null;
}

/** One attempt to deliver. */
export interface Delivery {
  /** When the attempt began, Unix ms on the simulator's clock. */
  readonly at: number;
  readonly receiptId: number;
  readonly body: Notification['body'];
  /** Null if no status came in time. */
  readonly status: number | null;
}

export type SenderSettings = Pick<Settled, 'now' | 'webhookRetryMs' | 'webhookTimeoutMs' | 'logLimit'> & {
  readonly dispatcher: Dispatcher;
};

export class WebhookSender {
  readonly #settings: SenderSettings;
  readonly #notifications: Notifications;
  readonly #closing = new AbortController();
  readonly #deliveries: Delivery[] = [];
  #target: WebhookTarget | null = null;
  #pause = new AbortController();
  #isRunning = false;
  #run: Promise<void> = Promise.resolve();

  constructor(settings: SenderSettings, notifications: Notifications) {
    this.#settings = settings;
    this.#notifications = notifications;
  }

  get target(): WebhookTarget | null {
    return this.#target;
  }

  get deliveries(): readonly Delivery[] {
    return [...this.#deliveries];
  }

  /** A change ends the pause after a failure, so that the new address is tried at once. */
  setTarget(target: WebhookTarget | null): void {
    this.#target = target;
    this.#pause.abort();
    this.wake();
  }

  /** Call whenever a notification was added to the queue. */
  wake(): void {
    if (this.#isRunning || this.#target === null || this.#closing.signal.aborted) return;
    this.#isRunning = true;
    this.#run = this.#deliverAll();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#run;
  }

  async #deliverAll(): Promise<void> {
    for (let next = this.#next(); next !== null; next = this.#next()) {
      const { target, notification } = next;
      this.#pause = new AbortController();
      const isAcknowledged = (await this.#attempt(target, notification)) === 200;
      if (isAcknowledged) this.#notifications.remove(notification.receiptId);
      else await this.#pauseBeforeRetry();
    }
    // Without an `await` after the last look at the queue, so that no wake-up is lost between them.
    this.#isRunning = false;
  }

  #next(): { target: WebhookTarget; notification: Notification } | null {
    const notification = this.#notifications.first();
    if (this.#closing.signal.aborted || this.#target === null || notification === null) return null;
    return { target: this.#target, notification };
  }

  async #attempt(target: WebhookTarget, notification: Notification): Promise<number | null> {
    const { receiptId, body } = notification;
    const at = this.#settings.now();
    const status = await this.#post(target, notification);
    this.#deliveries.push({ at, receiptId, body, status });
    if (this.#deliveries.length > this.#settings.logLimit) this.#deliveries.shift();
    return status;
  }

  async #post(target: WebhookTarget, { body, scheme }: Notification): Promise<number | null> {
    const signal = AbortSignal.any([AbortSignal.timeout(this.#settings.webhookTimeoutMs), this.#closing.signal]);
    const authorization = authorizationHeader(target, scheme);
    try {
      const response = await request(target.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=utf-8', ...authorization },
        body: JSON.stringify(body),
        dispatcher: this.#settings.dispatcher,
        signal,
      });
      await response.body.dump();
      return response.statusCode;
    } catch {
      // Refused, cut, timed out or closing. For the provider each of these is just not a 200. The
      // error may contain the secret address.
      return null;
    }
  }

  async #pauseBeforeRetry(): Promise<void> {
    const signal = AbortSignal.any([this.#pause.signal, this.#closing.signal]);
    // It rejects only with AbortError: there is a new target, or the sender closes.
    await delay(this.#settings.webhookRetryMs, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * A token that already contains a scheme ("Bearer …") is sent unchanged, because users write it so.
 */
function authorizationHeader(target: WebhookTarget, override: string | null | undefined): { authorization?: string } {
  const scheme = override === undefined ? target.scheme : override;
  if (scheme === null || target.token === '') return {};
  const isBare = scheme === '' || target.token.includes(' ');
  return { authorization: isBare ? target.token : `${scheme} ${target.token}` };
}
