/** What one watcher of a session is told: rising versions alone, and each code with its picture. */

import { isOlder } from '@qrcast/core/renumber';
import type { SessionFacts } from '@qrcast/core/session-facts';
import { Picture } from './picture.ts';
import type { PublishedChange, WatchedState } from './published-state.ts';

export interface SnapshotFilter {
  /** A published change. It brings a picture only if the picture changed with it. */
  offer(change: PublishedChange): void;
  /**
   * The record is about to be read. Returns what takes it. If it holds no picture of its code, the
   * picture is lost, and reading again would not find it.
   */
  beginRead(): (read: PublishedChange) => void;
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
  /** Of what passed last. The session itself is not kept, because a gateway watches thousands. */
  let told: Pick<SessionFacts, 'version' | 'stamp'> | null = null;
  /** Of the code that was delivered last. */
  let digest: string | null = null;
  let hasPicture = false;
  /** Written over by the picture of each code. */
  let picture: Picture | null = null;

  function keepPicture(image: string | Buffer): Picture {
    if (picture === null) picture = new Picture(image);
    else picture.write(image);
    return picture;
  }

  function pass({ session, lines, image, counts, traceparent }: PublishedChange): void {
    const current = digestOf(session);
    if (current !== null && image === null && current !== digest) {
      reread();
      return;
    }
    hasPicture = current !== null && (image !== null || hasPicture);
    digest = current;
    told = { version: session.version, stamp: session.stamp };
    const shown = current !== null && image !== null ? keepPicture(image) : picture;
    deliver({ session, lines, image: hasPicture ? shown : null, counts, traceparent });
  }

  return {
    offer(change) {
      if (told === null || change.session.version > told.version) pass(change);
      else if (isOlder(change.session, told)) reread();
    },

    beginRead() {
      const toldBefore = told;
      return (read) => {
        const { session, image } = read;
        if (told !== null && toldBefore !== null && isOlder(session, toldBefore)) return onOlder(toldBefore.version);
        if (told !== null && session.version < told.version) return;
        const current = digestOf(session);
        if (current !== null && image === null) [digest, hasPicture] = [current, false];
        if (told === null || session.version > told.version) pass(read);
      };
    },
  };
}

const digestOf = ({ state }: SessionFacts): string | null => (state.kind === 'showing' ? state.code.digest : null);
