/**
 * Draws the login on the terminal, and repaints it whenever its frame changes. The countdowns
 * follow the server's clock.
 */

import type { WriteStream } from 'node:tty';
import type { SessionWatch, Snapshot } from '@qrcast/client/types';
import { openPainter, type TerminalSize } from '../painter.ts';
import { frameOf, type Scene } from './screen.ts';
import type { LoginView, PasswordPrompt } from './view.ts';

export interface LiveViewOptions {
  readonly stdout: WriteStream;
  readonly colours: boolean;
  readonly instanceId: string;
  /** When the command gives up, by this machine's clock. */
  readonly endsAt: number;
}

const STARTING: Snapshot = { session: null, connection: { status: 'connecting' } };

interface Watched {
  readonly watch: SessionWatch;
  readonly pageUrl: string;
}

export function openLiveView(options: LiveViewOptions): LoginView {
  let watched: Watched | null = null;
  let prompt: PasswordPrompt | null = null;
  const { paint, close } = openPainter({ stdout: options.stdout, frameOf: (size) => frameOf(sceneOf(options, size, watched, prompt)) });
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

function sceneOf(
  { colours, instanceId, endsAt }: LiveViewOptions,
  size: TerminalSize,
  watched: Watched | null,
  prompt: PasswordPrompt | null,
): Scene {
  return {
    ...size,
    colours,
    instanceId,
    pageUrl: watched?.pageUrl ?? null,
    snapshot: watched?.watch.snapshot ?? STARTING,
    serverNow: watched?.watch.serverNow() ?? null,
    prompt,
    leftMs: endsAt - Date.now(),
  };
}
