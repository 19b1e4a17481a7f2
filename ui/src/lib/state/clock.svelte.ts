/** The present, for ages: ticks only while somebody shows one. */
import { createSubscriber } from 'svelte/reactivity';

const TICK = 5_000;

class Clock {
  readonly #subscribe = createSubscriber((update) => {
    const timer = setInterval(update, TICK);
    return () => {
      clearInterval(timer);
    };
  });

  /** Milliseconds since the epoch. */
  get now(): number {
    this.#subscribe();
    return Date.now();
  }
}

export const clock = new Clock();
