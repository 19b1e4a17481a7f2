/** Shows the whole page over a backend in memory, at an address. */
import { render } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';

import App from '../App.svelte';
import type { FakeBackend } from '../lib/backend/fake';

export function show(backend: FakeBackend, hash = '') {
  location.hash = hash;
  render(App, { backend });
  return { backend, user: userEvent.setup() };
}

/** The address of a place in the project that most scenes have. */
export const shop = (rest: string) => `#/projects/shop/${rest}`;
