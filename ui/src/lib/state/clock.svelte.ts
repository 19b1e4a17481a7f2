/** The present, for ages: ticks only while somebody shows one. */
import { createSubscriber } from 'svelte/reactivity';

class Clock {
  readonly #subscribe: () => void;

  constructor(tick: number) {
    this.#subscribe = createSubscriber((update) => {
      const timer = setInterval(update, tick);
      return () => {
        clearInterval(timer);
      };
    });
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    this.#subscribe();
    return Date.now();
  }
}

/** For ages. */
export const clock = new Clock(5_000);
/** For what goes on. */
export const seconds = new Clock(1_000);
