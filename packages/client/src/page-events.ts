/** The events of the page or worker that this runs in. In Node there are none. */

export interface PageHandlers {
  onVisible(isVisible: boolean): void;
  /** Timers may have been stopped for a while. */
  onWake(): void;
  onOnline(): void;
}

interface Listenable {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/** A worker and Node have no document. */
interface Scope extends Partial<Listenable> {
  readonly document?: Listenable & { readonly visibilityState: string };
}

const scope = (): Scope => globalThis as unknown as Scope; // typed by hand: server packages import this without the DOM types

/** Whether somebody can see the page. True without a page. */
export function isPageVisible(): boolean {
  return scope().document?.visibilityState !== 'hidden';
}

/** @returns a function that removes the listeners */
export function listenToPage({ onVisible, onWake, onOnline }: PageHandlers): () => void {
  const { document } = scope();
  const handleVisibility = (): void => {
    onWake();
    onVisible(isPageVisible());
  };
  const undo = [
    listen(document, 'resume', onWake), // a frozen page runs again
    listen(document, 'visibilitychange', handleVisibility),
    listen(scope(), 'pageshow', onWake), // a page comes back from the back/forward cache
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
