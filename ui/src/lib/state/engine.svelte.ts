/** The Docker engine that is used, or why none is. */
import type { Backend, EngineInfo, Problem } from '../backend';

type Found =
  { state: 'looking' } | { state: 'found'; info: EngineInfo } | { state: 'missing'; problem: Problem };

export class Engine {
  found = $state.raw<Found>({ state: 'looking' });
  /** True while a person waits for it, also when something was found before. */
  looking = $state(false);
  #asked: Promise<void> | undefined;
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async look(): Promise<void> {
    this.looking = true;
    await this.glance();
    this.looking = false;
  }

  /** Looks without a sign of it: nobody waits. */
  glance(): Promise<void> {
    this.#asked ??= this.#ask().finally(() => {
      this.#asked = undefined;
    });
    return this.#asked;
  }

  async #ask(): Promise<void> {
    const answer = await this.#backend.engineInfo();
    this.found =
      answer.status === 'ok'
        ? { state: 'found', info: answer.data }
        : { state: 'missing', problem: answer.error };
  }
}
