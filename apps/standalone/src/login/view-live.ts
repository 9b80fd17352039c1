/**
 * Draws the login on the terminal's alternate screen, and repaints it whenever its frame changes.
 * On that screen, resizing cannot tear the code, and nothing of it stays in the scrollback. The
 * countdowns follow the server's clock.
 */

import type { WriteStream } from 'node:tty';
import type { SessionWatch, Snapshot } from '@qrcast/client/types';
import { frameOf, type Scene } from './screen.ts';
import type { LoginView, PasswordPrompt } from './view.ts';

export interface LiveViewOptions {
  readonly stdout: WriteStream;
  readonly colours: boolean;
  readonly instanceId: string;
  /** When the command gives up, by this machine's clock. */
  readonly endsAt: number;
}

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J';
const LEAVE = '\x1b[?25h\x1b[?1049l';
/** A countdown shows seconds. Four looks at each second keep its steps even. */
const LOOK_EVERY_MS = 250;
const USUAL_SIZE = { columns: 80, rows: 24 };
const STARTING: Snapshot = { session: null, connection: { status: 'connecting' } };

interface Watched {
  readonly watch: SessionWatch;
  readonly pageUrl: string;
}

/** It has more than 40 lines because all of its functions share what is painted now. */
export function openLiveView(options: LiveViewOptions): LoginView {
  const { stdout } = options;
  let watched: Watched | null = null;
  let prompt: PasswordPrompt | null = null;
  let painted = '';
  let isClosed = false;

  const paint = (): void => {
    if (isClosed) return;
    const frame = frameOf(sceneOf(options, watched, prompt));
    if (frame !== painted) stdout.write(frame);
    painted = frame;
  };
  /** A resize has moved or cut what was drawn. */
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
      prompt = next;
      paint();
    },
    close,
  };
}

function sceneOf({ stdout, colours, instanceId, endsAt }: LiveViewOptions, watched: Watched | null, prompt: PasswordPrompt | null): Scene {
  return {
    columns: stdout.columns || USUAL_SIZE.columns, // 0 where the terminal does not know its size
    rows: stdout.rows || USUAL_SIZE.rows,
    colours,
    instanceId,
    pageUrl: watched?.pageUrl ?? null,
    snapshot: watched?.watch.snapshot ?? STARTING,
    serverNow: watched?.watch.serverNow() ?? null,
    prompt,
    leftMs: endsAt - Date.now(),
  };
}
