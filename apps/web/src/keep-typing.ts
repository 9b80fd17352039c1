/**
 * Keeps what a person types into the element away from the shortcuts of the page around it. For the
 * page the target of such an event is the element, not the field in it. So a page that uses single
 * letters as shortcuts, except in a field, would swallow the letters of the password. Events stop
 * at the shadow root. What the browser itself does with a key does not change.
 *
 * Capturing listeners of the page receive the event first. Nothing inside the element can prevent
 * that.
 */

/** The events beside those of keys that typing and input methods cause. */
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

/**
 * Keys that edit or move within a field. Not Tab, which focus traps need, and not Escape, which
 * closes a dialog around the element.
 */
const EDITING_KEYS: ReadonlySet<string> = new Set([
  ...['Backspace', 'Delete', 'Enter', 'Insert', 'Clear', 'Undo', 'Redo', 'Cut', 'Copy', 'Paste', 'Accept', 'EraseEof'],
  ...['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown'],
  ...['Dead', 'Process', 'Unidentified', 'Compose', 'Convert', 'NonConvert', 'KanaMode', 'HangulMode', 'HanjaMode', 'KanjiMode'],
]);
/**
 * Modifiers that a person holds or locks to type letters. A page that opens a search when Shift is
 * pressed twice would take the focus away from a password with capitals. The page still gets the
 * release of these keys, because it may have seen the press before the focus came here.
 */
const LETTER_MODIFIERS: ReadonlySet<string> = new Set(['Shift', 'CapsLock', 'NumLock', 'AltGraph']);
/** With Ctrl or Cmd: select all, copy, paste, cut, redo, undo. */
const EDITING_LETTERS = 'acvxyz';

/**
 * The fields of a key event that decide about it. The autofill of some browsers sends key events
 * without a key.
 */
export type Key = Partial<Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'isComposing'>>;

/**
 * Whether a key that is pressed in a text field is meant for the field. The page gets the others:
 * shortcuts with Ctrl or Cmd, F1, Tab.
 */
export function isTyping({ key, code = '', ctrlKey = false, metaKey = false, altKey = false, isComposing = false }: Key): boolean {
  if (key === undefined || isComposing || EDITING_KEYS.has(key)) return true;
  if ([...key].length !== 1) return false;
  const isText = !metaKey && ctrlKey === altKey; // Ctrl and Alt together are AltGr; Alt alone writes letters on a Mac
  return isText || (altKey && !ctrlKey && !metaKey) || EDITING_LETTERS.includes(latin(key, code));
}

/** The Latin letter of a shortcut, also on a keyboard of another script. */
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
  // These keys press a button. The page would use them as shortcuts, because it does not see the
  // button.
  return (event.key === 'Enter' || event.key === ' ') && event.target instanceof Element && event.target.matches('button, a[href]');
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement;
}
