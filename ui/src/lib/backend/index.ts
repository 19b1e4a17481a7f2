/** Chooses the backend that this page has. */
import { isTauri } from '@tauri-apps/api/core';

import type { Backend } from './backend';

export * from './backend';

/**
 * Returns the window's backend; in a plain browser, during development and in the build of the scenes, the fake one with the scene of
 * `?scene=`, which prints `&rate=` records a second.
 */
export async function connect(): Promise<Backend> {
  if (!isTauri() && (import.meta.env.DEV || import.meta.env.MODE === 'scenes')) {
    const { scene } = await import('./scenes');
    const asked = new URLSearchParams(location.search);
    const backend = scene(asked.get('scene') ?? 'mixed');
    backend.rate = Number(asked.get('rate') ?? 0);
    return backend;
  }
  const { tauriBackend } = await import('./tauri');
  return tauriBackend();
}
