/** Who watches this home: the window's process, another one, or nobody. */
import type { Backend, Watcher } from '../backend';

export class Watch {
  watcher = $state.raw<Watcher>({ who: 'looking' });
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async start(): Promise<void> {
    await this.#backend.followWatcher((watcher) => {
      this.watcher = watcher;
    });
  }

  again(): void {
    this.watcher = { who: 'looking' };
    void this.#backend.watchAgain();
  }
}
