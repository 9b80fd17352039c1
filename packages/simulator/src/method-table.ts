/**
 * The provider's methods that are simulated, with their verb and rate limit
 * (https://green-api.com/v3/docs/api/ratelimiter/).
 */

interface MethodRule {
  readonly verb: 'GET' | 'POST' | 'DELETE';
  readonly perSecond: number;
  /**
   * Queue methods are long polls of other consumers. They do not count as overlapping polls of the
   * account.
   */
  readonly isQueue: boolean;
}

const QUEUE_CALLS_PER_SECOND = 100;

export const METHODS = {
  qr: { verb: 'GET', perSecond: 1, isQueue: false },
  getStateInstance: { verb: 'GET', perSecond: 1, isQueue: false },
  getAccountSettings: { verb: 'GET', perSecond: 1, isQueue: false },
  getSettings: { verb: 'GET', perSecond: 1, isQueue: false },
  setSettings: { verb: 'POST', perSecond: 1, isQueue: false },
  logout: { verb: 'GET', perSecond: 1, isQueue: false },
  reboot: { verb: 'GET', perSecond: 1, isQueue: false },
  sendAuthorizationPassword: { verb: 'POST', perSecond: 1, isQueue: false },
  receiveNotification: { verb: 'GET', perSecond: QUEUE_CALLS_PER_SECOND, isQueue: true },
  deleteNotification: { verb: 'DELETE', perSecond: QUEUE_CALLS_PER_SECOND, isQueue: true },
} as const satisfies Record<string, MethodRule>;

export type MethodName = keyof typeof METHODS;

/** `Object.keys` loses the type of the names. */
export const METHOD_NAMES = Object.keys(METHODS) as readonly string[] as readonly MethodName[];

export function isMethodName(name: string): name is MethodName {
  return Object.hasOwn(METHODS, name);
}
