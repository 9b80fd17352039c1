/**
 * The MAX account behind one instance: its state, the code it shows, and its cloud password
 * (states.ts has the diagram).
 *
 * Time is applied lazily: a restart ends, and the code changes, when the account is read. One timer
 * reads it at the end of a restart, so that the notification is sent in time.
 */
import type { Code, Codes } from './codes.ts';
import { SimulatorError } from './errors.ts';
import type { Settled } from './options.ts';
import type { InstanceState } from './states.ts';
import { isLinked } from './states.ts';

/** The password of an account scanned by `scanWithPassword`, if none is given. */
const DEFAULT_CLOUD_PASSWORD = 'correct horse';
/**
 * The provider limits the attempts but does not publish the limit. These two numbers are made up.
 */
const WRONG_PASSWORDS_ALLOWED = 5;
const PASSWORD_PAUSE_MS = 60_000;

/** The `data` in the answer of sendAuthorizationPassword. */
export interface PasswordVerdict {
  readonly status: 'success' | 'fail';
  readonly reason: string;
}

export interface AccountDeps extends Pick<Settled, 'now' | 'rotateMs' | 'startingMs'> {
  readonly codes: Codes;
  /** Called after every change of state. */
  readonly onChange: (state: InstanceState) => void;
}

export interface AccountSeed {
  readonly idInstance: string;
  readonly state: InstanceState;
  readonly cloudPassword: string | null;
}

export class Account {
  readonly #deps: AccountDeps;
  readonly #idInstance: string;
  #state: InstanceState;
  #cloudPassword: string | null;
  #restart: { readonly next: InstanceState; readonly at: number } | null = null;
  #restartTimer: NodeJS.Timeout | undefined;
  /**
   * How often this instance began to show codes. A new round never repeats a link of an older one.
   */
  #round = 0;
  #roundStartedAt: number;
  #shown: { readonly turn: number; readonly code: Code } | null = null;
  #wrongPasswords = 0;
  #passwordsRefusedUntil = 0;

  constructor(deps: AccountDeps, { idInstance, state, cloudPassword }: AccountSeed) {
    this.#deps = deps;
    this.#idInstance = idInstance;
    this.#state = state;
    this.#cloudPassword = cloudPassword;
    this.#roundStartedAt = deps.now();
  }

  state(): InstanceState {
    if (this.#restart !== null && this.#deps.now() >= this.#restart.at) this.set(this.#restart.next);
    return this.#state;
  }

  /** The code that is shown; null in every state but `notAuthorized`. */
  code(): Code | null {
    if (this.state() !== 'notAuthorized') return null;
    const turn = Math.floor((this.#deps.now() - this.#roundStartedAt) / this.#deps.rotateMs);
    if (this.#shown?.turn !== turn) this.#shown = { turn, code: this.#deps.codes.code(`${this.#idInstance}/${this.#round}`, turn) };
    return this.#shown.code;
  }

  /** Enters `state` and ends a running restart. */
  set(state: InstanceState): void {
    this.#stopRestart();
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'notAuthorized') this.#beginRound();
    if (state === 'pendingPassword') this.#wrongPasswords = 0;
    this.#deps.onChange(state);
  }

  /**
   * Enters `via` for the time of the restart. Then it is linked again if it was linked and `link`
   * is `keepLink`.
   */
  restart(link: 'keepLink' | 'dropLink', via: 'starting' | 'creating' = 'starting'): void {
    const state = this.state();
    const before = this.#restart?.next ?? state;
    const next = link === 'keepLink' && isLinked(before) ? before : 'notAuthorized';
    this.set(via);
    this.#restart = { next, at: this.#deps.now() + this.#deps.startingMs };
    this.#watchRestart();
  }

  /**
   * A phone scans the code that is shown. Throws `no_code` if there is none, or if `link` is given
   * and is another one.
   */
  scan(link?: string): void {
    const code = this.code();
    if (code === null)
      throw new SimulatorError('no_code', `no code to scan: instance ${this.#idInstance} is ${this.#state}, not notAuthorized`);
    if (link !== undefined && link !== code.link)
      throw new SimulatorError('no_code', 'this code has expired; the instance shows another one now');
    this.set(this.#cloudPassword === null ? 'authorized' : 'pendingPassword');
  }

  scanWithPassword(password?: string): void {
    const protectedBy = password ?? this.#cloudPassword ?? DEFAULT_CLOUD_PASSWORD;
    const before = this.#cloudPassword;
    this.#cloudPassword = protectedBy;
    try {
      this.scan();
    } catch (error) {
      this.#cloudPassword = before;
      throw error;
    }
  }

  tryPassword(password: string): PasswordVerdict {
    const state = this.state();
    if (isLinked(state)) return { status: 'fail', reason: 'already_registered' };
    if (state !== 'pendingPassword') return { status: 'fail', reason: 'authorization_not_started' };
    if (this.#deps.now() < this.#passwordsRefusedUntil) return { status: 'fail', reason: 'rate_limit_exceeded' };
    if (password !== (this.#cloudPassword ?? DEFAULT_CLOUD_PASSWORD)) return this.#refusePassword();
    this.set('authorized');
    return { status: 'success', reason: '' };
  }

  close(): void {
    this.#stopRestart();
  }

  #refusePassword(): PasswordVerdict {
    this.#wrongPasswords += 1;
    if (this.#wrongPasswords >= WRONG_PASSWORDS_ALLOWED) {
      this.#wrongPasswords = 0;
      this.#passwordsRefusedUntil = this.#deps.now() + PASSWORD_PAUSE_MS;
    }
    return { status: 'fail', reason: 'invalid_password' };
  }

  #beginRound(): void {
    this.#round += 1;
    this.#roundStartedAt = this.#deps.now();
    this.#shown = null;
  }

  /**
   * Checks again while there is time left, because a timer may fire a millisecond early, and a test
   * may have stopped `now`.
   */
  #watchRestart(): void {
    this.state();
    if (this.#restart === null) return;
    const remainingMs = Math.max(this.#restart.at - this.#deps.now(), 1);
    this.#restartTimer = setTimeout(() => this.#watchRestart(), remainingMs);
  }

  #stopRestart(): void {
    clearTimeout(this.#restartTimer);
    this.#restart = null;
  }
}
