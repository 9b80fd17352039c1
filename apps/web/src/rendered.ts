/**
 * Whether an element is rendered: drawn by the browser, though perhaps scrolled out of view. It is not in a `display: none` or
 * `visibility: hidden` parent, a closed `<dialog>`, popover or `<details>`, or a hidden frame. `opacity: 0` counts as rendered: many pages
 * fade in what they show.
 *
 * No event tells all of this. A ResizeObserver reports `display: none` at once, but neither `visibility` nor `content-visibility` (a closed
 * `<details>`, `hidden="until-found"`), and it stands still in frames of other sites that are not painted. An IntersectionObserver takes what
 * is scrolled out of view for hidden. So the element is also asked every half second, which costs nothing where no layout is due.
 */

const LOOK_EVERY_MS = 500;

/** @param inner stands in for an element with `display: contents`, which has no box of its own; null if it is not drawn yet */
export function isRendered(element: Element, inner: Element | null): boolean {
  if (isVisible(element)) return true;
  return getComputedStyle(element).display === 'contents' && inner !== null && isVisible(inner);
}

function isVisible(element: Element): boolean {
  if (typeof element.checkVisibility === 'function') return element.checkVisibility({ visibilityProperty: true });
  return element.getClientRects().length > 0 && getComputedStyle(element).visibility === 'visible'; // before Chrome 105, Safari 17.4
}

/**
 * Calls `look` whenever `isRendered` may have changed.
 * @returns its undo
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
