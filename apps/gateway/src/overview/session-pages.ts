/** The sessions of one tenant, or of all, page by page, newest first. */

import { CURSOR_FORM, type listAllSessionsSchema, type OverviewSession } from '@qrcast/core/overview';
import type { z } from 'zod';
import type { After, NewestSessions } from './newest-sessions.ts';
import type { ReadSessions } from './read-sessions.ts';

export type SessionPages = (request: z.output<typeof listAllSessionsSchema>) => Promise<{
  readonly sessions: readonly OverviewSession[];
  readonly nextCursor: string | null;
}>;

/** Records read for one page, however few of them fit. The cursor goes on from there. */
const MAX_READ = 200;
const READ_AT_ONCE = 100;

export function createSessionPages(newestSessions: NewestSessions, readSessions: ReadSessions): SessionPages {
  return async ({ tenantId = null, state, limit, cursor }) => {
    const sessions: OverviewSession[] = [];
    let after = afterOf(cursor);
    for (let read = 0; read < MAX_READ; read += READ_AT_ONCE) {
      const { places, isWhole } = await newestSessions(tenantId, after, READ_AT_ONCE);
      const found = await readSessions.find(places);
      const meant = found.filter((session) => state === undefined || session.state.kind === state);
      sessions.push(...(await readSessions.show(meant.slice(0, limit - sessions.length))));
      const last = sessions.at(-1);
      if (sessions.length === limit && last !== undefined) return { sessions, nextCursor: cursorOf(last) };
      if (isWhole) return { sessions, nextCursor: null };
      after = places.at(-1) ?? after;
    }
    return { sessions, nextCursor: after && cursorOf(after) };
  };
}

const cursorOf = ({ id, createdAt }: NonNullable<After>): string => `${createdAt}-${id}`;

/** `cursor`: as the schema of the request allows it. */
function afterOf(cursor: string | undefined): After {
  const [, createdAt, id] = CURSOR_FORM.exec(cursor ?? '') ?? [];
  return createdAt === undefined || id === undefined ? null : { createdAt: Number(createdAt), id };
}
