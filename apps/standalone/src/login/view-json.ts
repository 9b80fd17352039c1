/**
 * Writes one JSON object per line, for programs: the session without its picture, and its changes.
 */

import type { Session } from '@qrcast/client/types';
import { jsonLine } from '../terminal-text.ts';
import type { LoginView } from './view.ts';
import { promptOf } from './words.ts';

export interface JsonViewOptions {
  readonly write: (text: string) => void;
  /** Writes to the person, if there is one. */
  readonly ask: (text: string) => void;
}

export function createJsonView({ write, ask }: JsonViewOptions): LoginView {
  const tell = (event: string, fields: object = {}): void => write(jsonLine(event, fields));
  let undos: readonly (() => void)[] = [];
  return {
    watch(watch) {
      undos = [
        watch.on('session', (session) => tell('session', withoutImage(session))),
        watch.on('fresh', ({ id, version, code }) => tell('fresh', { id, version, staleAt: code?.staleAt })),
        watch.on('stale', ({ id, version }) => tell('stale', { id, version })),
      ];
    },
    password(prompt) {
      if (prompt?.kind !== 'wanted' && prompt?.kind !== 'leaving') return;
      if (prompt.kind === 'wanted') tell('password_required');
      ask(`${promptOf(prompt).join('\n')}\n`);
    },
    close() {
      for (const undo of undos) undo();
    },
  };
}

function withoutImage(session: Session): object {
  const { code } = session;
  return code === null ? session : { ...session, code: { text: code.text, issuedAt: code.issuedAt, staleAt: code.staleAt } };
}
