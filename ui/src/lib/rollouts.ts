/** The rollouts of a project, purely. */
import type { RolloutRecord } from './backend';

/** Tells whether the release of a rollout served without being found failing. */
export function wentWell({ state }: RolloutRecord): boolean {
  return state === 'succeeded' || state === 'recovered';
}
