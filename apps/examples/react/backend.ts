/**
 * The page's calls to its own backend, which keeps the API key. Each throws an Error with a text
 * for the person.
 */

export interface Login {
  /** The gateway's address. */
  readonly url: string;
  readonly ticket: string;
}

export function askForLogin(): Promise<Login> {
  return ask('/login-code');
}

/** Requests another ticket for the same login, because a ticket is valid for 15 minutes. */
export async function askForTicket(): Promise<string> {
  return (await ask<{ ticket: string }>('/login-code/ticket')).ticket;
}

async function ask<Answer>(path: string): Promise<Answer> {
  const response = await fetch(path, { method: 'POST' }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  if (response?.ok && answer) return answer;
  throw new Error(answer?.message ?? 'No connection. Please try again.');
}
