/** Finds by letters in order, as people type when they know what they want. */

/** Returns how well a text has the letters in order: higher is better, null when it has them not. */
export function score(text: string, wanted: string): number | null {
  const letters = [...wanted.toLowerCase()].filter((letter) => letter.trim() !== '');
  const words = text.toLowerCase();
  let from = 0;
  let total = 0;
  let before = -2;
  for (const letter of letters) {
    const found = words.indexOf(letter, from);
    if (found < 0) return null;
    const begins = found === 0 || /[^\p{L}\p{N}]/u.test(words[found - 1] ?? '');
    total += found === before + 1 ? 6 : begins ? 5 : 1;
    total -= Math.min(found - from, 8) * 0.2;
    before = found;
    from = found + 1;
  }
  // Of two that fit as well, the shorter one is meant.
  return total - words.length * 0.01;
}

/** Returns what fits, the best first; everything in its own order when nothing is wanted. */
export function ranked<T>(all: readonly T[], wanted: string, text: (one: T) => string): T[] {
  if (wanted.trim() === '') return [...all];
  return all
    .map((one) => ({ one, points: score(text(one), wanted) }))
    .filter((found): found is { one: T; points: number } => found.points !== null)
    .sort((a, b) => b.points - a.points)
    .map(({ one }) => one);
}
