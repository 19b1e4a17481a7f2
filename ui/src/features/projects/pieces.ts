/** Which projects of a long table are drawn: those in sight and some beyond. Their parts are of different heights. */

/** What is drawn of the table, from its top to its bottom: projects by their places, and room, in pixels, for those between them. */
type Piece = { kind: 'project'; place: number } | { kind: 'room'; height: number };

/** A table that was scrolled by `top` pixels and of which `seen` pixels are shown. */
interface Sight {
  top: number;
  seen: number;
  /** Pixels that are drawn beyond both edges. */
  beyond: number;
  /** The place of what has the keyboard: it is drawn wherever it is, so that it keeps it. */
  held: number;
}

/** Returns what is drawn of projects of those heights. */
export function pieces(heights: readonly number[], { top, seen, beyond, held }: Sight): Piece[] {
  const drawn: Piece[] = [];
  let at = 0;
  for (const [place, height] of heights.entries()) {
    const last = drawn.at(-1);
    if (place === held || (at + height >= top - beyond && at <= top + seen + beyond))
      drawn.push({ kind: 'project', place });
    else if (last?.kind === 'room') last.height += height;
    else drawn.push({ kind: 'room', height });
    at += height;
  }
  return drawn;
}
