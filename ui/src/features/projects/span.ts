/** Which projects of a long table are drawn: those in sight and some beyond. Their parts are of different heights. */

export interface Span {
  first: number;
  /** The one after the last. */
  last: number;
  /** Pixels that are not drawn before and after them. */
  before: number;
  after: number;
}

/** Returns what is in sight of a table that was scrolled by `top` pixels and of which `seen` pixels are shown. */
export function span(heights: readonly number[], top: number, seen: number, beyond: number): Span {
  let [first, last, before, at] = [heights.length, heights.length, 0, 0];
  for (const [index, height] of heights.entries()) {
    if (first === heights.length && at + height >= top - beyond) {
      first = index;
      before = at;
    }
    if (at > top + seen + beyond) {
      last = index;
      break;
    }
    at += height;
  }
  if (first === heights.length) before = at;
  const after = heights.slice(last).reduce((sum, height) => sum + height, 0);
  return { first, last, before, after };
}
