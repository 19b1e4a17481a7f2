/** The sign of a run among those of its parts. */
import type { RunState } from '../../lib/backend';
import type { Progress } from '../../lib/run';

const SIGNS: Record<RunState, Progress> = {
  running: 'running',
  succeeded: 'passed',
  failed: 'failed',
  cancelled: 'stopped',
  abandoned: 'error',
};

export function sign(state: RunState): Progress {
  return SIGNS[state];
}
