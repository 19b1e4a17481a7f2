import { pieces } from './pieces';

const heights = [100, 50, 200, 50, 100];

const drawn = (top: number, seen: number, beyond: number, held = -1, of = heights) =>
  pieces(of, { top, seen, beyond, held }).map((piece) =>
    piece.kind === 'room' ? `room ${String(piece.height)}` : piece.place,
  );

test('what is in sight is drawn, and as much room kept as the rest takes', () => {
  expect(drawn(0, 120, 0)).toEqual([0, 1, 'room 350']);
  expect(drawn(200, 50, 0)).toEqual(['room 150', 2, 'room 150']);
  expect(drawn(200, 50, 100)).toEqual([0, 1, 2, 3, 'room 100']);
});

test('what has the keyboard is drawn wherever it is', () => {
  expect(drawn(400, 90, 0, 1)).toEqual(['room 100', 1, 'room 200', 3, 4]);
  expect(drawn(0, 40, 0, 4)).toEqual([0, 'room 300', 4]);
  expect(drawn(0, 40, 0, 0)).toEqual([0, 'room 400']);
});

test('drawn and not drawn are as high as all together, wherever one is', () => {
  const all = heights.reduce((sum, height) => sum + height, 0);
  for (let top = 0; top <= all; top += 10) {
    for (const held of [-1, 0, 2, 4]) {
      const high = pieces(heights, { top, seen: 90, beyond: 20, held }).map((piece) =>
        piece.kind === 'room' ? piece.height : (heights[piece.place] ?? 0),
      );
      expect(high.reduce((sum, height) => sum + height, 0)).toBe(all);
    }
  }
});

test('nothing is drawn of nothing, and the end of what became shorter', () => {
  expect(drawn(0, 100, 0, -1, [])).toEqual([]);
  expect(drawn(9_000, 100, 0)).toEqual(['room 500']);
});
