/** What one watcher of a session is told: rising versions alone, and each code with its picture. */

import type { Session } from '@qrcast/core/session';
import type { Snapshot } from './session-codec.ts';

export interface Gate {
  /** A published change. It brings a picture only if the picture changed with it. */
  offer(change: Snapshot): void;
  /**
   * A record that was read. If it holds no picture of its code, the picture is lost, and reading
   * again would not find it.
   */
  offerRead(snapshot: Snapshot): void;
}

/**
 * `deliver` gets each snapshot that passes. `reread` is called instead if the picture of a code was
 * missed: the record has it.
 */
export function createGate(deliver: (snapshot: Snapshot) => void, reread: () => void): Gate {
  let version = 0;
  /** Of the code that was delivered last. `url` is null if the picture is lost. */
  let picture: { readonly digest: string; readonly url: string | null } | null = null;

  function offer({ session, image }: Snapshot): void {
    if (session.version <= version) return;
    const digest = digestOf(session);
    if (digest === null) picture = null;
    else if (image !== null) picture = { digest, url: image };
    else if (picture?.digest !== digest) {
      reread();
      return;
    }
    version = session.version;
    deliver({ session, image: picture?.url ?? null });
  }

  return {
    offer,
    offerRead(snapshot) {
      const digest = digestOf(snapshot.session);
      if (digest !== null && snapshot.image === null) picture = { digest, url: null };
      offer(snapshot);
    },
  };
}

const digestOf = ({ state }: Session): string | null => (state.kind === 'showing' ? state.code.digest : null);
