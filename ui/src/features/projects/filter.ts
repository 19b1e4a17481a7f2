/** Which projects are shown, and how many environments there are of each state. */
import type { EnvironmentStatus, HealthState, KnownProject } from '../../lib/backend';
import type { Look } from '../../lib/state/projects.svelte';
import { finds } from '../../shared/finding';

/** What is known about a project's environments, by its name. */
export type LookOf = (name: string) => Look | undefined;

/** Returns the projects that bear the text in their name, folder, environments or releases, and are in the state if one is given. */
export function filtered(
  all: KnownProject[],
  look: LookOf,
  text: string,
  health: HealthState | null,
): KnownProject[] {
  // Most of the time nothing is wanted, and then no look need be taken.
  if (text.trim() === '' && health === null) return all;
  return all.filter(({ name, folder }) => {
    const seen = look(name);
    const words = [name, folder, ...(seen?.environments ?? []).flatMap(searched)];
    return (health === null || lights(seen).includes(health)) && finds(text, words);
  });
}

/** Returns how many environments are in each state. */
export function counts(all: KnownProject[], look: LookOf): Map<HealthState, number> {
  const found = new Map<HealthState, number>();
  for (const light of all.flatMap(({ name }) => lights(look(name))))
    found.set(light, (found.get(light) ?? 0) + 1);
  return found;
}

/** A project of which nothing could be observed counts as one environment that is unknown. */
function lights(look: Look | undefined): HealthState[] {
  if (look?.environments) return look.environments.map(({ health }) => health);
  return look?.problem ? ['unknown'] : [];
}

function searched({ environment, serving, url }: EnvironmentStatus): string[] {
  return [environment, serving ?? '', url ?? ''];
}
