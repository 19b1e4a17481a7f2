/** How a run of a job stands, in a sign and in words. */
import type { JobRun } from '../../lib/backend';
import type { Progress } from '../../lib/run';
import { texts } from '../../texts';

const words = texts.jobs;

export function progress(run: JobRun): Progress {
  if (run.finished_at === null) return 'running';
  return run.exit_code === 0 && run.failure === null ? 'passed' : 'failed';
}

export function ended(run: JobRun): string {
  if (run.finished_at === null) return words.running;
  if (run.oom) return words.oom;
  if (run.failure !== null) return run.failure;
  return run.exit_code === 0 ? words.ok : words.failed(run.exit_code);
}
