/** What the page, or the worker, says about itself. Where there is neither, nothing is ever said. */

export interface PageHandlers {
  onVisible(isVisible: boolean): void;
  /** Timers may have stood still. */
  onWake(): void;
  onOnline(): void;
}

interface Listenable {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
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
  const { document } = scope();
  const handleVisibility = (): void => {
    onWake();
    onVisible(isPageVisible());
  };
  const undo = [
    listen(document, 'resume', onWake), // of a page that was frozen
    listen(document, 'visibilitychange', handleVisibility),
    listen(scope(), 'pageshow', onWake), // of a page from the back/forward cache
    listen(scope(), 'online', onOnline),
  ];
  return () => {
    for (const stop of undo) stop();
  };
}

function listen(target: Partial<Listenable> | undefined, type: string, listener: () => void): () => void {
  target?.addEventListener?.(type, listener);
  return () => target?.removeEventListener?.(type, listener);
}
