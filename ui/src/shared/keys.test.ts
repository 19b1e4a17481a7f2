import { isTyping } from './keys';

function on(html: string): KeyboardEvent {
  document.body.innerHTML = html;
  const event = new KeyboardEvent('keydown', { key: '/', bubbles: true });
  document.body.firstElementChild?.dispatchEvent(event);
  return event;
}

test.each([
  ['<input>', true],
  ['<input type="search">', true],
  ['<input type="password">', true],
  ['<textarea></textarea>', true],
  ['<select></select>', true],
  ['<input type="radio">', false],
  ['<input type="checkbox">', false],
  ['<button></button>', false],
])('whoever presses a key on %s writes: %s', (html, typing) => {
  expect(isTyping(on(html))).toBe(typing);
});
