import { span } from './span';

const heights = [100, 50, 200, 50, 100];

test('what is in sight is drawn, and as much room kept as the rest takes', () => {
  expect(span(heights, 0, 120, 0)).toEqual({ first: 0, last: 2, before: 0, after: 350 });
  expect(span(heights, 200, 50, 0)).toEqual({ first: 2, last: 3, before: 150, after: 150 });
  expect(span(heights, 200, 50, 100)).toEqual({ first: 0, last: 4, before: 0, after: 100 });
});

test('drawn and not drawn are as high as all together, wherever one is', () => {
  const all = heights.reduce((sum, height) => sum + height, 0);
  for (let top = 0; top <= all; top += 10) {
    const { first, last, before, after } = span(heights, top, 90, 20);
    const drawn = heights.slice(first, last).reduce((sum, height) => sum + height, 0);
    expect(before + drawn + after).toBe(all);
  }
});

test('nothing is drawn of nothing, and the end of what became shorter', () => {
  expect(span([], 0, 100, 0)).toEqual({ first: 0, last: 0, before: 0, after: 0 });
  expect(span(heights, 9_000, 100, 0)).toEqual({ first: 5, last: 5, before: 500, after: 0 });
});
