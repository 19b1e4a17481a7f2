/** What a light means, in words. */
import type { EnvironmentStatus, HealthState } from '../lib/backend';
import type { Look } from '../lib/state/projects.svelte';
import { texts } from '../texts';

/** A health, or the time until there is one. */
export type Lit = HealthState | 'waiting';

export function word(lit: Lit): string {
  return lit === 'waiting' ? texts.shell.looking : texts.health[lit];
}

/** The states in the order in which they want attention. */
export const BY_URGENCY: readonly HealthState[] = ['down', 'degraded', 'unknown', 'healthy', 'empty'];

/** The state of a project that wants attention most. */
export function worst(look: Look | undefined): Lit {
  if (!look) return 'waiting';
  const states = (look.environments ?? []).map(({ health }) => health);
  return BY_URGENCY.find((state) => states.includes(state)) ?? (look.problem ? 'unknown' : 'empty');
}

/** How many instances of the serving release run, of how many there are, and how many of other releases are still there. */
export function instances(status: EnvironmentStatus): { running: number; all: number; others: number } {
  const own = status.instances.filter((instance) => instance.release === status.serving);
  const running = own.filter((instance) => instance.state.state === 'running').length;
  return { running, all: own.length, others: status.instances.length - own.length };
}

/** What is wrong in an environment, each in one line. */
export function troubles(status: EnvironmentStatus): string[] {
  const words = texts.projects;
  const found = status.unreachable === null ? [] : [status.unreachable];
  for (const { name, release, state, restarts } of status.instances) {
    if (release !== status.serving) continue;
    if (state.state === 'restarting') {
      found.push(words.keepsEnding(name, state.exit_code, restarts));
    } else if (state.state === 'exited') {
      found.push(words.ended(name, state.exit_code, state.oom));
    }
  }
  for (const service of status.services) if (!service.running) found.push(words.serviceStopped(service.name));
  return found;
}
