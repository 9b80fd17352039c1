import type { Body } from './view.ts';

/**
 * To what the person acts on next; else to the title, but only if the focus would be lost with what was removed. Somebody who is busy
 * elsewhere in the page is left alone.
 *
 * @param hadFocus whether the focus was inside before the change
 */
export function moveFocus(root: ParentNode, before: Body | null, after: Body, hadFocus: boolean): void {
  const isFree = hadFocus || document.activeElement === null || document.activeElement === document.body;
  const target = isFree ? nextTarget(before, after, hadFocus) : null;
  if (target !== null) root.querySelector<HTMLElement>(target)?.focus();
}

function nextTarget(before: Body | null, after: Body, hadFocus: boolean): '#password' | '#resume' | '#title' | null {
  if (before?.kind === after.kind) {
    const isAnswered = before.kind === 'password' && before.ask.isBusy && after.kind === 'password' && !after.ask.isBusy;
    return isAnswered ? '#password' : null;
  }
  if (after.kind === 'password') return '#password';
  if (after.kind === 'stop' && after.ask !== null) return '#resume';
  return hadFocus ? '#title' : null;
}
