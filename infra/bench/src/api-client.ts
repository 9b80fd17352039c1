/** Calls the gateway's API as a tenant does. */

export interface ApiAccess {
  /** `http://host:port` */
  readonly url: string;
  readonly apiKey: string;
}

export interface CreatedSession {
  readonly id: string;
  readonly ticket: string;
  /** The login page of the session. */
  readonly pageUrl: string;
}

export interface NewSession {
  readonly instanceId: string;
  readonly apiToken: string;
  readonly apiUrl: string;
  readonly expiresInSeconds?: number;
}

/** @throws {Error} if the gateway refuses */
export async function createSession(access: ApiAccess, session: NewSession): Promise<CreatedSession> {
  const answer = await call(access, '/v1/sessions', { method: 'POST', body: JSON.stringify(session) });
  const {
    session: created,
    ticket,
    pageUrl,
  } = (await answer.json()) as {
    readonly session: { readonly id: string };
    readonly ticket: string;
    readonly pageUrl: string;
  }; // as PROTOCOL.md says
  return { id: created.id, ticket, pageUrl };
}

/**
 * Reads the session, which counts as watching it. Resolves to whether it shows a code whose text is
 * known. @throws {Error} if the gateway refuses
 */
export async function showsText(access: ApiAccess, sessionId: string): Promise<boolean> {
  const answer = await call(access, `/v1/sessions/${sessionId}`, {});
  const { session } = (await answer.json()) as { readonly session: { readonly code: { readonly text: string | null } | null } }; // as PROTOCOL.md says
  return session.code?.text != null;
}

async function call({ url, apiKey }: ApiAccess, path: string, init: RequestInit): Promise<Response> {
  const headers = { authorization: `Bearer ${apiKey}`, ...(init.body === undefined ? {} : { 'content-type': 'application/json' }) };
  const answer = await fetch(`${url}${path}`, { ...init, headers });
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status} to ${init.method ?? 'GET'} ${path}`);
  return answer;
}
