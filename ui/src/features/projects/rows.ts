/** What a project's part of the table is made of, line by line. */
import type { EnvironmentStatus, Problem } from '../../lib/backend';
import type { Look } from '../../lib/state/projects.svelte';
import { troubles } from '../../shared/health';
import { texts } from '../../texts';

export type Row =
  | { kind: 'looking' }
  | { kind: 'unseen' }
  | { kind: 'environment'; status: EnvironmentStatus }
  | { kind: 'reasons'; reasons: string[] };

/** More lines than this belong on a screen of their own. */
const REASONS = 3;

/** Returns the lines of a project; a reason that is `said` elsewhere on the screen is not repeated. */
export function rows(look: Look | undefined, said: string | null): Row[] {
  if (!look) return [{ kind: 'looking' }];
  const found: Row[] = (look.environments ?? []).flatMap((status) => [
    { kind: 'environment', status },
    ...because(troubles(status).filter((reason) => reason !== said)),
  ]);
  if (found.length === 0) found.push({ kind: 'unseen' });
  const { problem } = look;
  return problem && problem.message !== said ? [...found, ...because(told(problem))] : found;
}

function because(reasons: string[]): Row[] {
  if (reasons.length === 0) return [];
  const shown = reasons.slice(0, reasons.length > REASONS ? REASONS - 1 : REASONS);
  const rest = reasons.length - shown.length;
  return [{ kind: 'reasons', reasons: rest > 0 ? [...shown, texts.projects.more(rest)] : shown }];
}

function told({ message, hints }: Problem): string[] {
  return [message, ...hints.slice(0, 1)];
}
