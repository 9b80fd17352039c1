/**
 * Keeps what a person types into the element from the shortcuts of the page around it. The page sees the element as the target of such an
 * event and not the field in it. So a page that takes a single letter as a shortcut, unless it is typed into a field, would take the
 * password's letters away. Events end at the shadow root; what the browser does with a key is not touched.
 *
 * Listeners of the page that capture have had the event by then. Nothing inside the element can come before them.
 */

/** Beside keys: all that typing, and an input method, make of them. */
const FIELD_EVENTS = [
  'beforeinput',
  'input',
  'textInput',
  'compositionstart',
  'compositionupdate',
  'compositionend',
  'paste',
  'copy',
  'cut',
] as const;

/** Keys that edit or move within a field. Not Tab, which traps of the focus need, nor Escape, which closes the dialog around us. */
const EDITING_KEYS: ReadonlySet<string> = new Set([
  ...['Backspace', 'Delete', 'Enter', 'Insert', 'Clear', 'Undo', 'Redo', 'Cut', 'Copy', 'Paste', 'Accept', 'EraseEof'],
  ...['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown'],
  ...['Dead', 'Process', 'Unidentified', 'Compose', 'Convert', 'NonConvert', 'KanaMode', 'HangulMode', 'HanjaMode', 'KanjiMode'],
]);
/**
 * Held or locked for the sake of other keys: a page that opens a search on Shift pressed twice would take the focus from a password with
 * capitals. Their release is left to the page: it may have seen the press before the focus came here.
 */
const LETTER_MODIFIERS: ReadonlySet<string> = new Set(['Shift', 'CapsLock', 'NumLock', 'AltGraph']);
/** With Ctrl or Cmd: select all, copy, paste, cut, redo, undo. */
const EDITING_LETTERS = 'acvxyz';

/** Of a key press, what decides about it. Autofill of some browsers sends key events that have no key. */
export type Key = Partial<Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'isComposing'>>;

/** Whether a key that is pressed in a text field is meant for the field. Any other is left to the page: shortcuts with Ctrl or Cmd, F1, Tab. */
export function isTyping({ key, code = '', ctrlKey = false, metaKey = false, altKey = false, isComposing = false }: Key): boolean {
  if (key === undefined || isComposing || EDITING_KEYS.has(key)) return true;
  if ([...key].length !== 1) return false;
  const isText = !metaKey && ctrlKey === altKey; // Ctrl and Alt together are AltGr; Alt alone writes letters on a Mac
  return isText || (altKey && !ctrlKey && !metaKey) || EDITING_LETTERS.includes(latin(key, code));
}

/** The letter that a shortcut goes by, also on a keyboard of another script. */
function latin(key: string, code: string): string {
  return (/[a-z]/i.test(key) ? key : code.replace(/^Key/, '')).toLowerCase();
}

/** @param root the shadow root that the fields and buttons are in */
export function keepTyping(root: EventTarget): void {
  for (const type of ['keydown', 'keypress', 'keyup']) root.addEventListener(type, (event) => isOurs(event) && event.stopPropagation());
  for (const type of FIELD_EVENTS) root.addEventListener(type, (event) => isField(event.target) && event.stopPropagation());
}

function isOurs(event: Event & Key): boolean {
  if (isField(event.target)) return isTyping(event) || (event.type === 'keydown' && LETTER_MODIFIERS.has(event.key ?? ''));
  // A button is pressed by these, which pages take for their own where they see no button.
  return (event.key === 'Enter' || event.key === ' ') && event.target instanceof Element && event.target.matches('button, a[href]');
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement;
}
