/** When the person is returned to where they came from. Any key press or touch cancels it. */

export interface AutoReturn {
  /** Unix ms on the server's clock; null if no return is planned. */
  readonly at: number | null;
  plan(at: number): void;
  /** Can be called again. */
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
      for (const type of ['keydown', 'pointerdown']) document.addEventListener(type, cancel, true); // capture: keys may not bubble out of the element
    },
    cancel,
  };
}
