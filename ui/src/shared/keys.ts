/** When a key is a letter that somebody writes, and when it is a command. */

/** Inputs into which nobody writes. */
const PRESSED = ['radio', 'checkbox', 'button', 'submit', 'range'];

/** Tells whether a key belongs to a field, or to a question that is open. */
export function isTyping(event: KeyboardEvent): boolean {
  const { target } = event;
  const field =
    target instanceof HTMLInputElement
      ? !PRESSED.includes(target.type)
      : target instanceof HTMLElement && target.closest('textarea, select') !== null;
  return field || document.querySelector('dialog[open]') !== null;
}
