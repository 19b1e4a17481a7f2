import { finds } from './finding';

test('what is looked for is found in any word, whatever its case', () => {
  expect(finds(' Shop ', ['the shop', 'x'])).toBe(true);
  expect(finds('shop', ['notes', 'x'])).toBe(false);
  expect(finds('  ', ['notes'])).toBe(true);
});
