import type { Body } from './view.ts';

/** Where the person is before the change is drawn. */
export interface Presence {
  /** The focus is inside the element. */
  readonly hasFocus: boolean;
  /**
   * The person caused this change inside the element, perhaps by a touch, which does not move the
   * focus in Safari.
   */
  readonly hasActed: boolean;
  /** The document shows only the login, so the element may take the focus if nothing has it. */
  readonly ownsPage: boolean;
}

/**
 * Moves the focus to what the person acts on next. If there is nothing to act on, moves it to the
 * title, but only if the removed part had the focus. Does nothing if the person is busy elsewhere
 * in the page, or around its frame. Does not scroll a page that belongs to somebody else.
 */
export function moveFocus(root: ParentNode, before: Body | null, after: Body, presence: Presence): void {
  const target = isFree(presence) ? nextTarget(before, after, presence.hasFocus || presence.hasActed) : null;
  if (target !== null) root.querySelector<HTMLElement>(target)?.focus({ preventScroll: !presence.ownsPage || isFramed() });
}

function isFree({ hasFocus, hasActed, ownsPage }: Presence): boolean {
  // A frame keeps its `activeElement` while the person types into the page around it.
  if (isFramed() && !document.hasFocus()) return false;
  const isNowhere = document.activeElement === null || document.activeElement === document.body;
  return hasFocus || (isNowhere && (hasActed || ownsPage));
}

function isFramed(): boolean {
  return window.parent !== window;
}

function nextTarget(before: Body | null, after: Body, isInside: boolean): '#password' | '#resume' | '#title' | null {
  if (before?.kind === after.kind) return isAnswer(before, after) ? '#password' : null;
  if (after.kind === 'password') return '#password';
  if (after.kind === 'stop' && after.ask !== null) return '#resume';
  return isInside ? '#title' : null;
}

/**
 * Whether the answer to a password came and the step goes on, or the step can no longer be left for
 * a new code.
 */
export function isAnswer(before: Body | null, after: Body): boolean {
  if (before?.kind !== 'password' || after.kind !== 'password') return false;
  return (before.ask.isBusy && !after.ask.isBusy) || (before.startOver.ask !== null && after.startOver.ask === null);
}
