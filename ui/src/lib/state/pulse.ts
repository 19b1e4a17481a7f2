/** Looks again from time to time: containers end without a word in any database. */

const PAUSE = 15_000;
/** The same for a window that is seen beside the one that is worked in: what is told of comes at once all the same. */
const REST = 60_000;

/** A clock that ticks late is still on time. */
const LATE = 1_000;

/**
 * Calls every so often while the window is seen, and when it is come back to: no more often than `pause` milliseconds where what is shown
 * does not change sooner. Returns the way to stop.
 */
export function keepLooking(look: () => void, pause = PAUSE): () => void {
  let last = Date.now();
  const again = (since: number) => {
    if (document.visibilityState !== 'visible' || Date.now() - last < since - LATE) return;
    last = Date.now();
    look();
  };
  const rest = () => {
    again(Math.max(pause, document.hasFocus() ? PAUSE : REST));
  };
  const back = () => {
    again(0);
  };
  const timer = setInterval(rest, PAUSE);
  const focused = () => {
    again(PAUSE);
  };
  document.addEventListener('visibilitychange', back);
  window.addEventListener('focus', focused);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', back);
    window.removeEventListener('focus', focused);
  };
}
