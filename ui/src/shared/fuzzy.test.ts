import { ranked, score } from './fuzzy';

test('letters in order are found, others are not', () => {
  expect(score('Ship to production', 'sprod')).not.toBeNull();
  expect(score('Ship to production', 'px')).toBeNull();
});

test('beginnings of words are meant before letters in their middle', () => {
  const all = ['Open shop', 'Ship to staging', 'Restart shop'];
  expect(ranked(all, 'sts', (one) => one)[0]).toBe('Ship to staging');
  expect(ranked(all, 'rs', (one) => one)[0]).toBe('Restart shop');
});

test('nothing wanted leaves everything in its order', () => {
  expect(ranked(['b', 'a'], '  ', (one) => one)).toEqual(['b', 'a']);
});
