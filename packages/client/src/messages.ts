/**
 * Checks the server's messages: every field that this client relies on must be there. The other
 * fields are not checked.
 */

import type { Fresh, Session } from './types.ts';

type Fields = Partial<Record<string, unknown>>;

export function isSession(value: unknown): value is Session {
  if (!isObject(value)) return false;
  const { id, version, state, code, serverNow } = value;
  const isCode = code === null || (isObject(code) && isTime(code['staleAt']));
  return typeof id === 'string' && isTime(version) && typeof state === 'string' && isCode && isTime(serverNow);
}

export function isFresh(value: unknown): value is Fresh {
  return isObject(value) && typeof value['id'] === 'string' && isTime(value['version']) && isTime(value['staleAt']);
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

/** Returns undefined if `text` is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // SyntaxError: something between here and the gateway answered
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
