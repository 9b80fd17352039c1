/** Making elements without markup: the page's policy forbids inline styles and handlers, and texts never become HTML this way. */

type Child = Node | string;

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const written = new WeakMap<HTMLElement, string>();

/** Writes only what differs: a rewritten text is read out again, breaks a selection, and loses the browser's translation. */
export function setText(node: HTMLElement, text: string | null): void {
  const next = text ?? '';
  if (written.get(node) === next) return;
  written.set(node, next);
  node.textContent = next;
}

/** Shows the text, or hides the whole element if there is none. */
export function setOptional(node: HTMLElement, text: string | null): void {
  setText(node, text);
  node.hidden = text === null;
}
