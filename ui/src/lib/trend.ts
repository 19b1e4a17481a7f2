/** How gates ended before, from the last runs: pure. */
import type { GatePast } from './backend';
import type { Progress } from './run';
import { GATES } from './run';

export interface Past {
  run: string;
  at: string;
  progress: Progress;
  /** Null where it did not run: unchanged, skipped, or not there. */
  duration: number | null;
}

export interface Trend {
  gate: string;
  /** The oldest first. */
  past: Past[];
  red: number;
  /** The middle of the durations before the last. */
  usual: number | null;
  now: number | null;
}

/** Gates that are set up, in the order of the newest run. */
export function trends(pasts: readonly GatePast[]): Trend[] {
  const names = [...new Set(pasts.flatMap(({ gates }) => gates.map(({ gate }) => gate)))];
  return names
    .map((gate) => {
      const past = [...pasts].reverse().flatMap(({ run, started_at: at, gates }): Past[] => {
        const found = gates.find((one) => one.gate === gate);
        if (!found) return [];
        const progress = GATES[found.state.state];
        const ran = progress === 'passed' || progress === 'failed';
        return [{ run, at, progress, duration: ran ? found.duration_ms : null }];
      });
      const durations = past.map(({ duration }) => duration).filter((one) => one !== null);
      const now = durations.at(-1) ?? null;
      return {
        gate,
        past,
        red: past.filter(({ progress }) => progress === 'failed').length,
        usual: middle(durations.slice(0, -1)),
        now,
      };
    })
    .filter(({ past }) => past.some(({ progress }) => progress !== 'unset'));
}

function middle(values: number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
