/** What the page asks of its own backend, which keeps the API key. All of it throws an Error with words for the person. */

export interface Login {
  /** The gateway. */
  readonly url: string;
  readonly ticket: string;
}

export function askForLogin(): Promise<Login> {
  return ask('/login-code');
}

/** One more for the same login: a ticket lasts a quarter of an hour. */
export async function askForTicket(): Promise<string> {
  return (await ask<{ ticket: string }>('/login-code/ticket')).ticket;
}

async function ask<Answer>(path: string): Promise<Answer> {
  const response = await fetch(path, { method: 'POST' }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  if (response?.ok && answer) return answer;
  throw new Error(answer?.message ?? 'No connection. Please try again.');
}
