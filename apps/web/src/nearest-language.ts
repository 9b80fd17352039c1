/**
 * The language that the markup around an element says it is in, through shadow roots; null if nothing says so. An empty `lang` says that
 * the language is not known, and ends the search, as in HTML.
 */
export function nearestLanguage(element: Element): string | null {
  let here: Element | null = element;
  while (here !== null) {
    const named: Element | null = here.closest('[lang]');
    if (named !== null) return named.getAttribute('lang');
    const root: Node = here.getRootNode();
    here = root instanceof ShadowRoot ? root.host : null;
  }
  return null;
}
