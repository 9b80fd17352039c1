/** What the page, or the worker, says about itself. Where there is neither, nothing is ever said. */

export interface PageHandlers {
  onVisible(isVisible: boolean): void;
  /** Timers may have stood still. */
  onWake(): void;
  onOnline(): void;
}

interface Listenable {
  addEventListener(type: string, listener: () => void, options: { readonly signal: AbortSignal }): void;
}

/** A worker has no document, Node neither. */
interface Scope extends Partial<Listenable> {
  readonly document?: Listenable & { readonly visibilityState: string };
}

const scope = (): Scope => globalThis as unknown as Scope; // typed without the DOM, for the packages of servers that take this in

/** Somebody can see the page; true where there is none. */
export function isPageVisible(): boolean {
  return scope().document?.visibilityState !== 'hidden';
}

/** @returns its undo */
export function listenToPage({ onVisible, onWake, onOnline }: PageHandlers): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  const { document } = scope();
  // `resume` comes to a page that was frozen, `pageshow` to one from the back/forward cache.
  document?.addEventListener('resume', onWake, { signal });
  document?.addEventListener(
    'visibilitychange',
    () => {
      onWake();
      onVisible(isPageVisible());
    },
    { signal },
  );
  scope().addEventListener?.('pageshow', onWake, { signal });
  scope().addEventListener?.('online', onOnline, { signal });
  return () => controller.abort();
}
