/**
 * Does one thing per key at a time and a few in all. A key that is asked for while it is worked on is worked on once more after: what
 * changed in between is seen, and any number of requests costs two turns at most.
 */
export class Queue {
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();

  constructor(
    readonly work: (key: string) => Promise<void>,
    readonly width: number,
  ) {}

  add(key: string): void {
    this.#waiting.add(key);
    this.#next();
  }

  #next(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.width) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.work(key).finally(() => {
        this.#running.delete(key);
        this.#next();
      });
    }
  }
}
