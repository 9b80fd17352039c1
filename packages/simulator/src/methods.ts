/**
 * What each method of the provider answers without a fault
 * (https://green-api.com/v3/docs/api/account/).
 */
import type { SimulatedInstance } from './instance.ts';
import type { MethodName } from './method-table.ts';
import type { Reply } from './reply.ts';
import { badRequest, json, rawJson } from './reply.ts';
import { isSilent, parseSettings } from './settings.ts';
import type { InstanceState } from './states.ts';
import { isLinked, wireState } from './states.ts';

export interface MethodCall {
  readonly instance: SimulatedInstance;
  readonly query: URLSearchParams;
  /** The part of the path after the token: the receipt of deleteNotification. */
  readonly tail: string | null;
  /** The parsed body of a POST; undefined for other verbs. */
  readonly body: unknown;
  readonly now: number;
  /** Aborted when the client leaves or the simulator closes. */
  readonly signal: () => AbortSignal;
}

type Answer = (call: MethodCall) => Reply | Promise<Reply>;

const ALREADY_LINKED = json({ type: 'already_registered', message: 'instance account already authorized' });
const NOT_READY = json({ type: 'error', message: 'not_ready' });
const PASSWORD_WANTED = json({ type: 'pendingPassword', message: '2FA password required' });
const REFUSED_BY_MAX = json({ type: 'error', message: 'connection_closed' });
const UNHEARD_OF = json({ type: 'carrierPigeon', message: 'coo' });

/**
 * The answer of `qr` in a state without a code. What it is for a blocked or suspended account is
 * not published.
 */
const QR_WITHOUT_CODE: Readonly<Record<InstanceState, Reply>> = {
  creating: NOT_READY,
  starting: NOT_READY,
  notAuthorized: NOT_READY,
  authorized: ALREADY_LINKED,
  blocked: REFUSED_BY_MAX,
  suspended: ALREADY_LINKED,
  suspendedUnlinked: NOT_READY,
  pendingPassword: PASSWORD_WANTED,
  unknown: UNHEARD_OF,
};

const SUSPENSION_S = 86_400;
const DEFAULT_RECEIVE_S = 5;
const MAX_RECEIVE_S = 60;
const WEBHOOK_IS_SET = badRequest('Message cannot be received because custom webhook url is set');

export const ANSWERS: Readonly<Record<MethodName, Answer>> = {
  qr: ({ instance }) => {
    const code = instance.account.code();
    return code === null ? QR_WITHOUT_CODE[instance.state()] : rawJson(code.answer());
  },

  getStateInstance: ({ instance }) => {
    const stateInstance = wireState(instance.state());
    return json(stateInstance === null ? null : { stateInstance });
  },

  getAccountSettings: ({ instance, now }) => {
    const state = instance.state();
    const stateInstance = wireState(state);
    if (stateInstance === null) return json(null);
    const account = isLinked(state) ? { phone: instance.phone, chatId: instance.phone.slice(1) } : { phone: '', chatId: '' };
    const suspendedUntil = stateInstance === 'suspended' ? { suspendedUntil: Math.floor(now / 1_000) + SUSPENSION_S } : {};
    return json({ avatar: '', ...account, stateInstance, ...suspendedUntil });
  },

  getSettings: ({ instance }) => json({ wid: instance.wid, typeInstance: 'v3', ...instance.settings }),

  setSettings: ({ instance, body }) => {
    const patch = parseSettings(body);
    if (patch === null) return badRequest('Validation failed. Details: a setting has a value it cannot have');
    instance.saveSettings(patch);
    instance.account.restart('keepLink');
    return json({ saveSettings: true });
  },

  logout: ({ instance }) => {
    instance.account.restart('dropLink');
    return json({ isLogout: true });
  },

  reboot: ({ instance }) => {
    instance.account.restart('keepLink');
    return json({ isReboot: true });
  },

  sendAuthorizationPassword: ({ instance, body }) => {
    const password = field(body, 'password');
    if (typeof password !== 'string') return badRequest("Validation failed. Details: 'password' is required");
    return json({ status: true, data: instance.account.tryPassword(password) });
  },

  receiveNotification: async ({ instance, query, signal }) => {
    if (instance.settings.webhookUrl !== '') return WEBHOOK_IS_SET;
    // Seen live: if every kind of notification is off, an empty queue answers at once, whatever
    // `receiveTimeout` says.
    const waitMs = isSilent(instance.settings) ? 0 : receiveSeconds(query) * 1_000;
    const first = waitMs === 0 ? instance.notifications.first() : await instance.notifications.untilFirst(waitMs, signal());
    return json(first === null ? null : { receiptId: first.receiptId, body: first.body });
  },

  deleteNotification: ({ instance, tail }) => {
    if (instance.settings.webhookUrl !== '') return WEBHOOK_IS_SET;
    return json({ result: instance.notifications.remove(Number(tail)), reason: '' });
  },
};

export const INSTANCE_DELETED: Reply = badRequest('Instance is deleted');

function receiveSeconds(query: URLSearchParams): number {
  const asked = Number(query.get('receiveTimeout') ?? DEFAULT_RECEIVE_S);
  return Number.isFinite(asked) ? Math.min(Math.max(asked, DEFAULT_RECEIVE_S), MAX_RECEIVE_S) : DEFAULT_RECEIVE_S;
}

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Object.entries(body).find(([key]) => key === name)?.[1] : undefined;
}
