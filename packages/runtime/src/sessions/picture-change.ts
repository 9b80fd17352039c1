/** What an event does to the picture that is kept beside a record. */

import type { SessionEvent } from '@qrcast/core/reduce';
import type { Session } from '@qrcast/core/session';

/** `''` if the picture stays, `'-'` if it is deleted, else the new picture. */
export function pictureChange(previous: Session, next: Session, event: SessionEvent | null): string {
  const before = previous.state.kind === 'showing' ? previous.state.code.digest : null;
  const after = next.state.kind === 'showing' ? next.state.code.digest : null;
  if (before === after) return '';
  if (after === null) return '-';
  return event?.kind === 'answered' && event.outcome.kind === 'code' ? event.outcome.image : '-';
}
