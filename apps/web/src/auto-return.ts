/** When the person is taken back by itself. Whoever does anything at all is not taken away. */

export interface AutoReturn {
  /** By the server's clock, Unix ms; null if they are not taken anywhere. */
  readonly at: number | null;
  plan(at: number): void;
  /** Idempotent. */
  cancel(): void;
}

export function createAutoReturn(onCancel: () => void): AutoReturn {
  let at: number | null = null;

  function cancel(): void {
    for (const type of ['keydown', 'pointerdown']) document.removeEventListener(type, cancel, true);
    if (at === null) return;
    at = null;
    onCancel();
  }

  return {
    get at() {
      return at;
    },
    plan(moment) {
      at = moment;
      for (const type of ['keydown', 'pointerdown']) document.addEventListener(type, cancel, true); // keys may not bubble out of the element
    },
    cancel,
  };
}
