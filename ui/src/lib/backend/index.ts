/** Chooses the backend that this page has. */
import { isTauri } from '@tauri-apps/api/core';

import type { Backend } from './backend';

export * from './backend';

/** Returns the window's backend; in a plain browser, during development and in the build of the scenes, the fake one with the scene of `?scene=`. */
export async function connect(): Promise<Backend> {
  if (!isTauri() && (import.meta.env.DEV || import.meta.env.MODE === 'scenes')) {
    const { scene } = await import('./scenes');
    return scene(new URLSearchParams(location.search).get('scene') ?? 'mixed');
  }
  const { tauriBackend } = await import('./tauri');
  return tauriBackend();
}
