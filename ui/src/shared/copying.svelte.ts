/** Copies a text and tells for a moment whether it did; to be made while a component is set up. */
export class Copying {
  outcome = $state<'copied' | 'refused' | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    $effect(() => () => {
      clearTimeout(this.#timer);
    });
  }

  async copy(text: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.outcome = 'copied';
    } catch {
      this.outcome = 'refused';
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.outcome = null), SHOWN);
  }
}

const SHOWN = 1_600;
