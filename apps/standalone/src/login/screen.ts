/**
 * Draws the terminal's screen from a scene, as a pure function. Frames are text, so that tests can
 * read them.
 */

import type { Snapshot } from '@qrcast/client/types';
import { BOLD, DIM, frameOfLines, styled, visibleWidth } from '../frame.ts';
import { type DrawnCode, drawCode, FULL_QUIET_ZONE, HALF_QUIET_ZONE } from './code.ts';
import type { PasswordPrompt } from './view.ts';
import { isFinishing, isPictureOnly, promptOf, statusOf } from './words.ts';

export interface Scene {
  readonly columns: number;
  readonly rows: number;
  readonly colours: boolean;
  readonly instanceId: string;
  /** Null until there is one. */
  readonly pageUrl: string | null;
  readonly snapshot: Snapshot;
  /** The server's clock, Unix ms; null until it is known. */
  readonly serverNow: number | null;
  readonly prompt: PasswordPrompt | null;
  /** Time until the command gives up. */
  readonly leftMs: number;
}

/** @returns everything to write so that the screen shows the scene, whatever it showed before */
export function frameOf(scene: Scene): string {
  return frameOfLines(linesOf(scene), scene.columns);
}

/**
 * @returns the frame's lines, no more than there are rows. Only a link may be wider than the
 * screen: the terminal wraps it, and copies it whole.
 */
export function linesOf(scene: Scene): string[] {
  const text = scene.snapshot.session?.code?.text ?? null;
  if (text !== null) return withCode(scene, text);
  const status = statusLines(scene);
  return firstFitting([['', heading(scene), '', ...status, '', footer(scene)], status], scene) ?? status.slice(0, scene.rows);
}

/**
 * Layouts from the most space around the code to the least. The full quiet zone is used where
 * nothing else has to go for it.
 */
function withCode(scene: Scene, text: string): string[] {
  const { columns, colours } = scene;
  const spacious = drawCode(text, { border: FULL_QUIET_ZONE, colours });
  const narrow = drawCode(text, { border: HALF_QUIET_ZONE, colours });
  const status = statusLines(scene);
  const arrangements = [
    ({ lines }: DrawnCode) => [heading(scene), '', ...lines, '', ...status, footer(scene)],
    ({ lines }: DrawnCode) => [heading(scene), ...lines, ...status, footer(scene)],
    ({ lines }: DrawnCode) => [...lines, ...status],
    ({ lines }: DrawnCode) => [...lines],
  ];
  const codes = [spacious, narrow].filter((code) => code.columns <= columns);
  const choices = arrangements.flatMap((arrange) => codes.map(arrange));
  return firstFitting(choices, scene) ?? tooSmall(scene, narrow);
}

function tooSmall(scene: Scene, code: DrawnCode): string[] {
  const { columns, rows, pageUrl } = scene;
  const need = `The window is too small for the code: ${columns}×${rows}, it needs ${code.columns}×${code.lines.length}. Make it larger`;
  const withLink = pageUrl === null ? [] : [[`${need}, or open this page:`, pageUrl]];
  return firstFitting(withLink, scene) ?? wrap(`${need}.`, columns).slice(0, rows);
}

function heading({ instanceId, colours }: Scene): string {
  return styled(`qrcast · instance ${instanceId}`, BOLD, colours);
}

function statusLines(scene: Scene): string[] {
  const { snapshot, serverNow, prompt, pageUrl, colours } = scene;
  const [state = '', ...trouble] = statusOf(snapshot, serverNow);
  const code = snapshot.session?.code ?? null;
  const lines = [styled(state, BOLD, colours)];
  if (isPictureOnly(code, serverNow) && pageUrl !== null) lines.push(pageUrl);
  if (code !== null && serverNow !== null) {
    lines.push(`Good for ${secondsUntil(code.staleAt, serverNow)} s${trouble.length === 0 ? ', and renewed by itself' : ''}.`);
  }
  lines.push(...trouble);
  const { session } = snapshot;
  const notice = session === null || isFinishing(session) ? null : session.notice;
  if (prompt !== null) lines.push(...promptOf(prompt));
  else if (notice !== null && code === null && serverNow !== null && notice.retryAt > serverNow) {
    lines.push(`Next try in ${secondsUntil(notice.retryAt, serverNow)} s.`);
  }
  return lines;
}

function footer({ leftMs, colours }: Scene): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1_000));
  const left = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  return styled(`Ctrl-C stops. It gives up by itself in ${left}.`, DIM, colours);
}

function secondsUntil(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1_000));
}

/**
 * @returns the first layout that fits, wrapped to the screen's width; null if none has enough rows
 */
function firstFitting(choices: readonly (readonly string[])[], { columns, rows }: Scene): string[] | null {
  for (const lines of choices) {
    const wrapped = lines.flatMap((line) => wrap(line, columns));
    const used = wrapped.reduce((sum, line) => sum + Math.max(1, Math.ceil(visibleWidth(line) / columns)), 0);
    if (used <= rows) return wrapped;
  }
  return null;
}

/** Wraps at spaces. A word longer than the width, such as a link, stays whole. */
function wrap(text: string, columns: number): string[] {
  if (visibleWidth(text) <= columns) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && visibleWidth(longer) > columns) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}
