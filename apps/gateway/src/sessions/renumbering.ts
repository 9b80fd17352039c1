/**
 * Puts sessions above versions that callers say they were told and Redis has lost (renumber.ts in
 * core). A caller can name any version near the session's own, and each one above it is a write
 * that all viewers are told of. So a session is renumbered at most once in `SPACING_MS`, above the
 * greatest version that was named meanwhile. All parts of a gateway share this.
 */

import type { Session } from '@qrcast/core/session';
import type { Sessions } from '@qrcast/runtime/sessions/sessions';

/** Short enough for a caller to wait, after a loss that it did not cause. */
const SPACING_MS = 2_000;

interface Spacing {
  /** Those who came during it. They share the next write. */
  waiting: PromiseWithResolvers<Session | null> | null;
  /** The greatest version that they named, and when the last of them came. */
  told: number;
  at: number;
}

export function createRenumbering(sessions: Pick<Sessions, 'renumber'>): Sessions['renumber'] {
  const spacings = new Map<string, Spacing>();

  function begin(sessionId: string): void {
    const spacing: Spacing = { waiting: null, told: 0, at: 0 };
    spacings.set(sessionId, spacing);
    setTimeout(() => end(sessionId, spacing), SPACING_MS).unref();
  }

  function end(sessionId: string, { waiting, told, at }: Spacing): void {
    spacings.delete(sessionId);
    if (waiting === null) return;
    begin(sessionId);
    sessions.renumber(sessionId, told, at).then(waiting.resolve, waiting.reject);
  }

  return (sessionId, told, at) => {
    const spacing = spacings.get(sessionId);
    if (spacing === undefined) {
      begin(sessionId);
      return sessions.renumber(sessionId, told, at);
    }
    spacing.told = Math.max(spacing.told, told);
    spacing.at = at;
    spacing.waiting ??= Promise.withResolvers();
    return spacing.waiting.promise;
  };
}
