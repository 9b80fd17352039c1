/** What one watcher of a session is told: rising versions alone, and each code with its picture. */

import { isOlder } from '@qrcast/core/renumber';
import type { Session } from '@qrcast/core/session';
import { Picture } from './picture.ts';
import type { Snapshot, WatchedState } from './session-codec.ts';

export interface SnapshotFilter {
  /** A published change. It brings a picture only if the picture changed with it. */
  offer(change: Snapshot): void;
  /**
   * The record is about to be read. Returns what takes it. If it holds no picture of its code, the
   * picture is lost, and reading again would not find it.
   */
  beginRead(): (snapshot: Snapshot) => void;
}

export interface SnapshotOutlets {
  /** Gets each snapshot that passes. */
  readonly deliver: (state: WatchedState) => void;
  /**
   * Called if a change cannot be used as it came: the picture of its code was missed, or it is
   * older than what passed last. The record says what is true.
   */
  readonly reread: () => void;
  /**
   * Called if the record that was read is older than what had passed before the read, with the
   * version of that. A change that passes during the read may be newer than what is read.
   */
  readonly onOlder: (told: number) => void;
}

export function createSnapshotFilter({ deliver, reread, onOlder }: SnapshotOutlets): SnapshotFilter {
  /** Passed last. */
  let told: Session | null = null;
  /** Of the code that was delivered last. `image` is null if the picture is lost. */
  let picture: { readonly digest: string; readonly image: Picture | null } | null = null;

  function pass({ session, image, counts }: Snapshot): void {
    const digest = digestOf(session);
    if (digest === null) picture = null;
    else if (image !== null) picture = { digest, image: new Picture(image, picture?.image) };
    else if (picture?.digest !== digest) {
      reread();
      return;
    }
    told = session;
    deliver({ session, image: picture?.image ?? null, counts });
  }

  return {
    offer(change) {
      if (told === null || change.session.version > told.version) pass(change);
      else if (isOlder(change.session, told)) reread();
    },

    beginRead() {
      const toldBefore = told;
      return (snapshot) => {
        const { session, image } = snapshot;
        if (told !== null && toldBefore !== null && isOlder(session, toldBefore)) return onOlder(toldBefore.version);
        if (told !== null && session.version < told.version) return;
        const digest = digestOf(session);
        if (digest !== null && image === null) picture = { digest, image: null };
        if (told === null || session.version > told.version) pass(snapshot);
      };
    },
  };
}

const digestOf = ({ state }: Session): string | null => (state.kind === 'showing' ? state.code.digest : null);
