/** The session `start` opens for its user, over the public API like anybody else's. */

import { wireSessionSchema } from '@qrcast/core/wire';
import { z } from 'zod';

const createdSchema = z.object({ session: wireSessionSchema, ticket: z.string(), pageUrl: z.string() });

export interface StartedSession {
  readonly sessionId: string;
  readonly ticket: string;
  readonly pageUrl: string;
}

const A_DAY_SECONDS = 86_400;

/** @throws {Error} with the gateway's own words if it refuses. */
export async function createSession(url: string, apiKey: string, body: Record<string, unknown>): Promise<StartedSession> {
  const created = createdSchema.parse(await post(`${url}/v1/sessions`, apiKey, { ...body, expiresInSeconds: A_DAY_SECONDS }));
  const path = `${url}/v1/sessions/${created.session.id}/tickets`;
  // The page stays open on a developer's screen for longer than a ticket's usual quarter of an hour.
  const { ticket } = z.object({ ticket: z.string() }).parse(await post(path, apiKey, { expiresInSeconds: A_DAY_SECONDS }));
  return { sessionId: created.session.id, ticket, pageUrl: created.pageUrl.replace(/#.*$/, `#${ticket}`) };
}

async function post(url: string, apiKey: string, body: object): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { detail?: string };
  if (!response.ok) throw new Error(`the first session was refused: ${answer.detail ?? `status ${response.status}`}`);
  return answer;
}
