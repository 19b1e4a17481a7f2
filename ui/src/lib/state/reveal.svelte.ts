/** The value of a secret, for fifteen seconds, while somebody looks: nothing of it stays in the page. */
import type { Backend, SecretScope } from '../backend';

const SHOWN = 15;

export class Reveal {
  value = $state.raw<string | null>(null);
  /** Why it was not shown. */
  failed = $state<string | null>(null);
  /** For how many seconds it is shown yet. */
  left = $state(0);
  readonly #backend: Backend;
  #timer: ReturnType<typeof setInterval> | undefined;
  #gone = false;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async show(project: string, scope: SecretScope, name: string): Promise<void> {
    this.failed = null;
    const answer = await this.#backend.revealSecret(project, scope, name);
    if (this.#gone) return;
    if (answer.status === 'error') {
      this.failed = answer.error.message;
      return;
    }
    this.value = answer.data;
    this.left = SHOWN;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      this.left -= 1;
      if (this.left <= 0) this.hide();
    }, 1_000);
  }

  hide = (): void => {
    clearInterval(this.#timer);
    this.value = null;
  };

  /** Hides it, also what is still asked for. */
  end(): void {
    this.#gone = true;
    this.hide();
  }
}
