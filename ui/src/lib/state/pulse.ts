/** Looks again from time to time: containers end without a word in any database. */

const PAUSE = 15_000;

/** Calls every so often while the window is seen, and at once when it is seen again. Returns the way to stop. */
export function keepLooking(look: () => void): () => void {
  const whenSeen = () => {
    if (document.visibilityState === 'visible') look();
  };
  const timer = setInterval(whenSeen, PAUSE);
  document.addEventListener('visibilitychange', whenSeen);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', whenSeen);
  };
}
