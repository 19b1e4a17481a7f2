/** The Docker engine that is used, or why none is. */
import type { Backend, EngineInfo, Problem } from '../backend';

type Found =
  { state: 'looking' } | { state: 'found'; info: EngineInfo } | { state: 'missing'; problem: Problem };

export class Engine {
  found = $state.raw<Found>({ state: 'looking' });
  /** True while somebody looks, also when something was found before. */
  looking = $state(false);
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    const answer = await this.#backend.engineInfo();
    this.looking = false;
    this.found =
      answer.status === 'ok'
        ? { state: 'found', info: answer.data }
        : { state: 'missing', problem: answer.error };
  }
}
