/**
 * The language that the markup around an element declares, also outside of its shadow roots. Null
 * if none is declared. As in HTML, an empty `lang` means that the language is unknown, and ends the
 * search.
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
