/** What a ship or a check may be asked to do beside the usual. */
import type { ProjectFacts } from '../../lib/backend';
import type { CheckOptions, ShipOptions } from '../../lib/state/acts.svelte';

export const CHECK_CHOICES: (keyof CheckOptions)[] = ['allGates', 'failFast'];

/** The choices of a ship: uncommitted changes go to `local` without being asked about, and where nothing bakes nobody waits for it. */
export function shipChoices(facts: ProjectFacts | null, environment: string): (keyof ShipOptions)[] {
  const dirty = environment === 'local' ? [] : (['dirty'] as const);
  const detach = bakes(facts, environment) ? (['detach'] as const) : [];
  return ['preview', ...CHECK_CHOICES, ...detach, 'untested', ...dirty];
}

function bakes(facts: ProjectFacts | null, environment: string): boolean {
  const bake = facts?.settings.find(({ key }) => key === `environments.${environment}.bake`)?.value;
  return bake === undefined ? environment !== 'local' : !/^"?0/.test(bake);
}
