/** Something that is asked of the engine and shown: what was read last stays while it is read again. */
import type { Answer, Problem } from '../backend';

export class Resource<T> {
  /** Null until the first answer. */
  value = $state.raw<T | null>(null);
  /** Why the last reading failed, if it did. */
  problem = $state.raw<Problem | null>(null);
  readonly #ask: () => Promise<Answer<T>>;
  #reading = false;
  #again = false;

  constructor(ask: () => Promise<Answer<T>>) {
    this.#ask = ask;
  }

  /** Reads it; one that is asked for while it is read is read once more after. */
  read = async (): Promise<void> => {
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    do {
      this.#again = false;
      const answer = await this.#ask();
      if (answer.status === 'ok') {
        this.value = answer.data;
        this.problem = null;
      } else {
        this.problem = answer.error;
      }
      // Reads again later may say so: `#again` is set while this one is awaited.
    } while (this.#again as boolean);
    this.#reading = false;
  };
}
