/** The rollouts of a project, purely. */
import type { RolloutRecord } from './backend';

/** Tells whether the release of a rollout served without being found failing. */
export function wentWell({ state }: RolloutRecord): boolean {
  return state === 'succeeded' || state === 'recovered';
}

/**
 * Returns the release that served before the one that serves and was never found failing, of rollouts with the newest first; null where this
 * laptop does not know how the present one came there. It is the engine's own rule (`Engine::before`).
 */
export function lastGood(
  rollouts: readonly RolloutRecord[],
  environment: string,
  serving: string,
): string | null {
  const here = rollouts.filter((rollout) => rollout.environment === environment);
  const good = here.filter(wentWell);
  const now = good.find(({ to }) => to === serving);
  if (!now) return null;
  const failed = (release: string) =>
    here.find(({ to, state }) => to === release && state !== 'cancelled')?.state === 'failed';
  const known = [now.from, ...good.map(({ to }) => to)];
  return known.find((release) => release !== null && release !== serving && !failed(release)) ?? null;
}
