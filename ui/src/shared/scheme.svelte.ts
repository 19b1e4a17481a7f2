/** Tells what is drawn by hand that the colours are other ones now: by the system's choice or a person's. */
import { createSubscriber } from 'svelte/reactivity';

class Scheme {
  readonly #subscribe = createSubscriber((update) => {
    const media = matchMedia('(prefers-color-scheme: dark)');
    const observer = new MutationObserver(update);
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    media.addEventListener('change', update);
    return () => {
      observer.disconnect();
      media.removeEventListener('change', update);
    };
  });

  /** Returns a token's colour as it is now; whoever asks is asked to draw again when it changes. */
  colour = (token: string): string => {
    this.#subscribe();
    return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
  };
}

export const scheme = new Scheme();
