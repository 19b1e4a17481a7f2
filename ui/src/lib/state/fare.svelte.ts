/** How the environment that is looked at fared: read anew while it is seen, what was read last stays until the next answer. */
import type { Backend, HealthReport, Problem } from '../backend';
import type { Range } from '../fare';
import { RANGES } from '../fare';

export class Fare {
  report = $state.raw<HealthReport | null>(null);
  problem = $state.raw<Problem | null>(null);
  readonly #backend: Backend;
  readonly #project: string;
  #question = '';

  constructor(backend: Backend, project: string) {
    this.#backend = backend;
    this.#project = project;
  }

  /** Reads; an answer to a question that was replaced meanwhile is not shown. */
  read = async (environment: string, range: Range): Promise<void> => {
    const question = `${environment} ${range}`;
    if (this.report?.environment !== environment) this.report = null;
    this.#question = question;
    const answer = await this.#backend.health(this.#project, environment, RANGES[range]);
    if (this.#question !== question) return;
    if (answer.status === 'ok') {
      this.report = answer.data;
      this.problem = null;
    } else {
      this.problem = answer.error;
    }
  };
}
