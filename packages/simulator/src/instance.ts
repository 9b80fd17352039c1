/**
 * One simulated instance: what a test or a person can do with it (`Instance`), and what the HTTP
 * handlers need in addition.
 */

import type { AccountDeps } from './account.ts';
import { Account } from './account.ts';
import type { FailOptions, FaultTarget, PlannedFault } from './fault-script.ts';
import { FaultScript } from './fault-script.ts';
import type { FaultName } from './faults.ts';
import type { MethodName } from './method-table.ts';
import { Notifications } from './notifications.ts';
import type { Settled } from './options.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { RequestRecord } from './request-log.ts';
import { RequestLog } from './request-log.ts';
import type { ProviderSettings, SettingsPatch } from './settings.ts';
import { INITIAL_SETTINGS } from './settings.ts';
import type { InstanceState } from './states.ts';
import { isLinked, wireState } from './states.ts';
import type { Delivery, SenderSettings } from './webhook-sender.ts';
import { WebhookSender } from './webhook-sender.ts';

export interface WebhookOptions {
  readonly url: string;
  /** Sent in the Authorization header. Default: no header. */
  readonly token?: string;
  /** The word before the token. Default: `Bearer`. '' sends only the token, null no header. */
  readonly scheme?: string | null;
}

interface NoticeOptions {
  /**
   * Added to the timestamp, in ms: -86_400_000 makes it a day old. The timestamp itself has whole
   * seconds.
   */
  readonly offsetMs?: number;
  /** Default: the account's wid if the notification's state is `authorized`, else empty. */
  readonly wid?: string;
  /** As in `WebhookOptions`, for this notification only. */
  readonly scheme?: string | null;
}

/**
 * A notification that does not follow from a change. `state` may be any string. A pair is two
 * notifications with the same timestamp.
 */
export type Notice = NoticeOptions & ({ readonly state: string } | { readonly sameSecondPair: readonly [string, string] });

export interface Instance {
  readonly idInstance: string;
  readonly apiToken: string;
  /** Digits only. */
  readonly phone: string;
  state(): InstanceState;
  /** The link of the current code; null in every state but `notAuthorized`. */
  code(): string | null;
  /**
   * A phone scans the current code. The state becomes `authorized`, or `pendingPassword` if the
   * account has a cloud password. Throws `no_code` if there is no code, or if `link` is given and
   * is another one.
   */
  scan(link?: string): void;
  /**
   * A phone with a protected account scans the current code. The state becomes `pendingPassword`,
   * until sendAuthorizationPassword brings `password`.
   */
  scanWithPassword(password?: string): void;
  /** Enters a state and stays there. A change is sent by webhook like any other. */
  setState(state: InstanceState): void;
  /**
   * Plans a fault for the next call or calls of a method, or of any method (`*`). Several are
   * played in order.
   */
  fail(method: FaultTarget, fault: FaultName, options?: FailOptions): void;
  clearFaults(): void;
  readonly faults: readonly PlannedFault[];
  /**
   * Sets the webhook and turns state notifications on, without the restart of setSettings. Null
   * removes the webhook.
   */
  setWebhook(webhook: WebhookOptions | null): void;
  /** The next `count` notifications are not sent. */
  loseWebhooks(count: number): void;
  /** The next `times` notifications are sent twice. 0 ends this. */
  duplicateWebhooks(times?: number | 'always'): void;
  /** Notifications from now on are sent `ms` late, with their original timestamp. 0 ends this. */
  delayWebhooks(ms: number): void;
  /** Sends a notification with any content. The state does not change. */
  notify(notice: Notice): void;
  /** The settings that getSettings returns. */
  readonly settings: ProviderSettings;
  /** Changes settings without the restart of setSettings. Missing ones stay as they are. */
  changeSettings(patch: SettingsPatch): void;
  readonly requests: readonly RequestRecord[];
  readonly deliveries: readonly Delivery[];
  /**
   * Resolves when `count` calls (of `method`) have arrived since the instance was created. Rejects
   * if the simulator closes first.
   */
  untilRequests(count: number, method?: MethodName): Promise<readonly RequestRecord[]>;
}

export interface InstanceSeed {
  readonly idInstance: string;
  readonly apiToken: string;
  readonly phone: string;
  readonly state: InstanceState;
  readonly cloudPassword: string | null;
}

export type InstanceDeps = Omit<AccountDeps, 'onChange'> & SenderSettings & Pick<Settled, 'announcedStates' | 'settingsMs'>;

const DEFAULT_SCHEME = 'Bearer';

export class SimulatedInstance implements Instance {
  readonly idInstance: string;
  readonly apiToken: string;
  readonly phone: string;
  readonly account: Account;
  readonly faultScript = new FaultScript();
  readonly limiter = new RateLimiter();
  readonly log: RequestLog;
  readonly notifications: Notifications;
  readonly createdAt: number;
  /** Set by the partner API. The instance stays known and refuses everything. */
  deletedAt: number | null = null;
  readonly #deps: InstanceDeps;
  readonly #sender: WebhookSender;
  #settings: ProviderSettings = INITIAL_SETTINGS;
  /** Settings that setSettings brought and that getSettings does not return yet. */
  #later: { readonly patch: SettingsPatch; readonly at: number } | null = null;
  #scheme: string | null = DEFAULT_SCHEME;

  constructor(deps: InstanceDeps, seed: InstanceSeed) {
    this.#deps = deps;
    this.idInstance = seed.idInstance;
    this.apiToken = seed.apiToken;
    this.phone = seed.phone;
    this.createdAt = deps.now();
    this.log = new RequestLog(deps.logLimit);
    this.notifications = new Notifications(deps.now, () => this.#sender.wake());
    this.#sender = new WebhookSender(deps, this.notifications);
    this.account = new Account({ ...deps, onChange: (state) => this.#announce(state) }, seed);
  }

  get settings(): ProviderSettings {
    if (this.#later !== null && this.#deps.now() >= this.#later.at) this.changeSettings(this.#later.patch);
    return this.#settings;
  }

  get requests(): readonly RequestRecord[] {
    return this.log.records();
  }

  get deliveries(): readonly Delivery[] {
    return this.#sender.deliveries;
  }

  get faults(): readonly PlannedFault[] {
    return this.faultScript.list();
  }

  /** Like `79990000000@c.us` while the account is linked, else empty. */
  get wid(): string {
    return isLinked(this.state()) ? this.#wid() : '';
  }

  state(): InstanceState {
    return this.account.state();
  }

  code(): string | null {
    return this.account.code()?.link ?? null;
  }

  scan(link?: string): void {
    this.account.scan(link);
  }

  scanWithPassword(password?: string): void {
    this.account.scanWithPassword(password);
  }

  setState(state: InstanceState): void {
    this.account.set(state);
  }

  fail(method: FaultTarget, fault: FaultName, options: FailOptions = {}): void {
    this.faultScript.add(method, fault, options);
  }

  clearFaults(): void {
    this.faultScript.clear();
  }

  setWebhook(webhook: WebhookOptions | null): void {
    this.#scheme = webhook?.scheme === undefined ? DEFAULT_SCHEME : webhook.scheme;
    const { url = '', token = '' } = webhook ?? {};
    this.changeSettings({ webhookUrl: url, webhookUrlToken: token, ...(webhook === null ? {} : { stateWebhook: 'yes' }) });
  }

  loseWebhooks(count: number): void {
    this.notifications.lose(count);
  }

  duplicateWebhooks(times: number | 'always' = 1): void {
    this.notifications.duplicate(times);
  }

  delayWebhooks(ms: number): void {
    this.notifications.delay(ms);
  }

  notify(notice: Notice): void {
    const { offsetMs = 0, wid, scheme } = notice;
    const states = 'state' in notice ? [notice.state] : notice.sameSecondPair;
    const at = this.#deps.now() + offsetMs;
    for (const state of states) this.notifications.push(this.#stateChanged(state, at, wid), scheme);
  }

  untilRequests(count: number, method?: MethodName): Promise<readonly RequestRecord[]> {
    return this.log.until(count, method ?? null);
  }

  /** Applies the settings as setSettings does: at once, or after `settingsMs`. */
  saveSettings(patch: SettingsPatch): void {
    if (this.#deps.settingsMs === 0) this.changeSettings(patch);
    else this.#later = { patch: { ...this.#later?.patch, ...patch }, at: this.#deps.now() + this.#deps.settingsMs };
  }

  changeSettings(patch: SettingsPatch): void {
    this.#later = null;
    this.#settings = { ...this.#settings, ...patch };
    const { webhookUrl: url, webhookUrlToken: token } = this.#settings;
    this.#sender.setTarget(url === '' ? null : { url, token, scheme: this.#scheme });
  }

  async close(): Promise<void> {
    this.account.close();
    this.log.close();
    this.notifications.close();
    await this.#sender.close();
  }

  #announce(state: InstanceState): void {
    const told = wireState(state);
    const isTold = this.settings.stateWebhook === 'yes' && this.#deps.announcedStates.includes(state);
    if (isTold && told !== null) this.notifications.push(this.#stateChanged(told, this.#deps.now()));
  }

  /**
   * https://green-api.com/v3/docs/api/receiving/notifications-format/service/StateInstanceChanged;
   * `atMs` becomes whole seconds.
   */
  #stateChanged(state: string, atMs: number, wid = state === 'authorized' ? this.#wid() : ''): Readonly<Record<string, unknown>> {
    return {
      typeWebhook: 'stateInstanceChanged',
      instanceData: { idInstance: Number(this.idInstance), wid, typeInstance: 'v3' },
      timestamp: Math.floor(atMs / 1_000),
      stateInstance: state,
    };
  }

  #wid(): string {
    return `${this.phone}@c.us`;
  }
}
