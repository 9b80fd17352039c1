/**
 * The terminal as a screen: on the alternate one, so that resizing cannot tear the code and none of it stays in the scrollback, repainted
 * whenever its frame changes. The countdowns come from the server's clock.
 */

import type { WriteStream } from 'node:tty';
import type { SessionWatch, Snapshot } from '@qrcast/client/types';
import { frameOf, type Scene } from './screen.ts';
import type { LoginView, PasswordTurn } from './view.ts';

export interface LiveViewOptions {
  readonly stdout: WriteStream;
  readonly colours: boolean;
  readonly instanceId: string;
  /** When the command gives up, by this machine's clock. */
  readonly endsAt: number;
}

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J';
const LEAVE = '\x1b[?25h\x1b[?1049l';
/** Seconds are counted down; four looks at each keep them even. */
const LOOK_EVERY_MS = 250;
const USUAL_SIZE = { columns: 80, rows: 24 };
const STARTING: Snapshot = { session: null, connection: { status: 'connecting' } };

export function openLiveView({ stdout, colours, instanceId, endsAt }: LiveViewOptions): LoginView {
  let watched: { readonly watch: SessionWatch; readonly pageUrl: string } | null = null;
  let turn: PasswordTurn | null = null;
  let painted = '';
  let isClosed = false;

  const scene = (): Scene => ({
    columns: stdout.columns || USUAL_SIZE.columns, // 0 where nobody told the terminal its size
    rows: stdout.rows || USUAL_SIZE.rows,
    colours,
    instanceId,
    pageUrl: watched?.pageUrl ?? null,
    snapshot: watched?.watch.snapshot ?? STARTING,
    serverNow: watched?.watch.serverNow() ?? null,
    turn,
    leftMs: endsAt - Date.now(),
  });
  const paint = (): void => {
    if (isClosed) return;
    const frame = frameOf(scene());
    if (frame !== painted) stdout.write(frame);
    painted = frame;
  };
  /** The terminal has moved or cut what stood there. */
  const repaint = (): void => {
    painted = '';
    paint();
  };
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    clearInterval(timer);
    stdout.off('resize', repaint);
    process.off('exit', close);
    stdout.write(LEAVE);
  };

  stdout.write(ENTER);
  process.once('exit', close); // a second signal exits at once
  stdout.on('resize', repaint);
  const timer = setInterval(paint, LOOK_EVERY_MS);
  paint();
  return {
    watch(watch, pageUrl) {
      watched = { watch, pageUrl };
      watch.subscribe(paint);
    },
    password(next) {
      turn = next;
      paint();
    },
    close,
  };
}
