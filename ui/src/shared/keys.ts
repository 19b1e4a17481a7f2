/** When a key is a letter that somebody writes, and when it is a command. */

/** Tells whether a key belongs to a field, or to a question that is open. */
export function isTyping(event: KeyboardEvent): boolean {
  const { target } = event;
  const field = target instanceof HTMLElement && target.closest('input, textarea, select') !== null;
  return field || document.querySelector('dialog[open]') !== null;
}
