/**
 * Whether an element is rendered, that is, drawn by the browser, although it may be scrolled out of
 * view. It is not rendered in a `display: none` or `visibility: hidden` parent, a closed
 * `<dialog>`, popover or `<details>`, or a hidden frame. `opacity: 0` counts as rendered, because
 * many pages fade in what they show.
 *
 * No event reports all of this. A ResizeObserver reports `display: none` at once, but neither
 * `visibility` nor `content-visibility` (a closed `<details>`, `hidden="until-found"`), and it does
 * not run in frames of other sites that are not painted. An IntersectionObserver treats what is
 * scrolled out of view as hidden. So the element is also checked every half second, which costs
 * nothing if no layout is due.
 */

const LOOK_EVERY_MS = 500;

/**
 * @param inner checked instead of an element with `display: contents`, which has no box; null if
 *   nothing is drawn yet
 */
export function isRendered(element: Element, inner: Element | null): boolean {
  if (isVisible(element)) return true;
  return getComputedStyle(element).display === 'contents' && inner !== null && isVisible(inner);
}

function isVisible(element: Element): boolean {
  if (typeof element.checkVisibility === 'function') return element.checkVisibility({ visibilityProperty: true });
  return element.getClientRects().length > 0 && getComputedStyle(element).visibility === 'visible'; // before Chrome 105, Safari 17.4
}

/**
 * Calls `look` whenever the result of `isRendered` may have changed.
 * @returns a function that stops this
 */
export function onRenderingChange(element: Element, look: () => void): () => void {
  const observer = typeof ResizeObserver === 'function' ? new ResizeObserver(look) : null;
  observer?.observe(element);
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => {
    observer?.disconnect();
    clearInterval(timer);
  };
}
