/** Where the number of a process's instances stands in a project's files. */
import type { ProjectFacts } from '../../lib/backend';

export interface Place {
  /** Null when no line of the configuration says it yet. */
  file: string | null;
  line: number | null;
  key: 'replicas';
  /** The table in which the line belongs. */
  table: string;
}

/** Finds the line: a process's own before the environment's. */
export function place(facts: ProjectFacts | null, environment: string, process: string): Place {
  const web = facts?.processes.find(({ name }) => name === process)?.port !== null;
  const own = `environments.${environment}.process.${process}`;
  const shared = `environments.${environment}`;
  const tables = web ? [own, shared] : [own];
  for (const table of tables) {
    const setting = facts?.settings.find(({ key }) => key === `${table}.replicas`);
    if (setting?.origin.from === 'file') {
      return { file: setting.origin.file, line: setting.origin.line, key: 'replicas', table: `[${table}]` };
    }
  }
  return { file: null, line: null, key: 'replicas', table: `[${tables.at(-1) ?? shared}]` };
}
