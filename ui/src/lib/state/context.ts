/** What every screen reaches without being handed it from part to part. */
import { createContext } from 'svelte';

import type { Backend } from '../backend';
import type { Acts } from './acts.svelte';
import type { Engine } from './engine.svelte';
import type { Settings } from './preferences.svelte';
import type { Projects } from './projects.svelte';
import type { Router } from './router.svelte';
import type { Watch } from './watch.svelte';

export interface World {
  backend: Backend;
  router: Router;
  projects: Projects;
  engine: Engine;
  settings: Settings;
  acts: Acts;
  watch: Watch;
}

export const [world, setWorld] = createContext<World>();
