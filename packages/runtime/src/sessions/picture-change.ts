/**
 * A record names its picture by digest; this says what an event does to the picture kept beside it.
 */

import type { SessionEvent } from '@qrcast/core/reduce';
import type { Session } from '@qrcast/core/session';

/** `''` the picture stands, `'-'` it goes, else the new one. */
export function pictureChange(previous: Session, next: Session, event: SessionEvent): string {
  const before = previous.state.kind === 'showing' ? previous.state.code.digest : null;
  const after = next.state.kind === 'showing' ? next.state.code.digest : null;
  if (before === after) return '';
  if (after === null) return '-';
  return event.kind === 'answered' && event.outcome.kind === 'code' ? event.outcome.image : '-';
}
