/** What the pages of one project show, read when it is looked at and again when something happened in it. */
import type { Backend, GatePast, ProjectFacts, ReleaseHeader, RolloutRecord, RunRecord } from '../backend';
import { Resource } from './resource.svelte';

export class ProjectPage {
  readonly facts: Resource<ProjectFacts>;
  readonly runs: Resource<RunRecord[]>;
  readonly releases: Resource<ReleaseHeader[]>;
  readonly rollouts: Resource<RolloutRecord[]>;
  /** Read when a run is looked at. */
  readonly gates: Resource<GatePast[]>;
  readonly #backend: Backend;
  #learning = false;

  constructor(
    backend: Backend,
    readonly name: string,
  ) {
    this.#backend = backend;
    this.facts = new Resource(() => backend.projectFacts(name));
    this.runs = new Resource(() => backend.projectRuns(name));
    this.releases = new Resource(() => backend.projectReleases(name));
    this.gates = new Resource(() => backend.gateHistory(name));
    this.rollouts = new Resource(() => backend.projectRollouts(name));
  }

  read = (): void => {
    void this.facts.read();
    this.readHistory();
  };

  /** Reads what a run changes. */
  readHistory = (): void => {
    void this.runs.read();
    void this.releases.read();
    void this.rollouts.read();
  };

  /** Learns what other laptops released and rolled out; what is remembered is shown meanwhile. */
  learn = async (): Promise<void> => {
    if (this.#learning) return;
    this.#learning = true;
    // Why nothing could be learned is told by whatever else the screen asks for.
    const answer = await this.#backend.learnHistory(this.name);
    this.#learning = false;
    if (answer.status === 'ok' && answer.data) this.readHistory();
  };

  /** The environment as the project's files declare it. */
  environment(name: string) {
    return this.facts.value?.environments.find((environment) => environment.name === name) ?? null;
  }
}
