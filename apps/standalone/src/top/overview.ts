/** The sessions of a gateway as its overview stream tells them, put together. Pure. */

import { z } from 'zod';

/** Accepts more than the protocol's own schema, because a newer gateway may say more. */
const overviewSessionSchema = z.looseObject({
  id: z.string(),
  tenantId: z.string(),
  instanceId: z.string(),
  reference: z.string().nullable(),
  state: z.string(),
  notice: z.looseObject({ code: z.string(), retryAt: z.number() }).nullable(),
  end: z.looseObject({ reason: z.string(), resumable: z.boolean() }).nullable(),
  viewers: z.number(),
  startedAt: z.number(),
  deadlineAt: z.number(),
});

export const overviewMessageSchema = z.looseObject({
  at: z.number(),
  sessions: z.array(overviewSessionSchema),
  gone: z.array(z.string()),
  isFirst: z.boolean(),
  isCut: z.boolean(),
});

export type OverviewSession = z.infer<typeof overviewSessionSchema>;
export type OverviewMessage = z.infer<typeof overviewMessageSchema>;

export interface Overview {
  readonly sessions: ReadonlyMap<string, OverviewSession>;
  /** The gateway's clock when it told the last change, Unix ms. */
  readonly at: number;
  /** Whether there are others, which the gateway leaves out. */
  readonly isCut: boolean;
}

export const NOTHING_YET: Overview = { sessions: new Map(), at: 0, isCut: false };

/**
 * A first message replaces what was told before: meanwhile the connection was lost. The gateway
 * tells which sessions are gone, so the others stay few.
 */
export function afterMessage(before: Overview, { at, sessions, gone, isFirst, isCut }: OverviewMessage): Overview {
  const after = new Map(isFirst ? [] : before.sessions);
  for (const id of gone) after.delete(id);
  for (const session of sessions) after.set(session.id, session);
  return { sessions: after, at, isCut };
}
