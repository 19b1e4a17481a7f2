/** The projects of this home and what is observed of them: the list at once, each project's environments as they are found out. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';

import { texts } from '../../texts';
import type { Backend, Change, EnvironmentStatus, KnownProject, Problem } from '../backend';
import { EVENTS_AT_ONCE } from '../backend';
import { Queue } from './queue';

/** What is known about a project's environments. What was seen last stays while somebody looks again. */
export interface Look {
  /** Null until the first answer. */
  environments: EnvironmentStatus[] | null;
  /** Why the last look failed, if it did. */
  problem: Problem | null;
}

/** The list, or why there is none. */
type Listing =
  { state: 'reading' } | { state: 'read'; projects: KnownProject[] } | { state: 'failed'; problem: Problem };

/** What went wrong with something that a person asked for. */
export interface Mishap {
  title: string;
  problem: Problem;
}

/** Docker is asked for so many projects at once, so that two hundred of them do not flood it. */
const WIDTH = 4;

const words = texts.projects;

export class Projects {
  listing = $state.raw<Listing>({ state: 'reading' });
  mishap = $state.raw<Mishap | null>(null);
  /** What was done last. */
  said = $state('');
  readonly #looks = new SvelteMap<string, Look>();
  readonly adding = new SvelteSet<string>();
  readonly #backend: Backend;
  readonly #queue: Queue;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing shows it
  readonly #listeners = new Set<(name: string | null) => void>();
  #seq = 0;
  #listening = false;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#queue = new Queue((name) => this.#look(name), WIDTH);
  }

  /** What is known about a project; undefined until it was looked at. */
  look(name: string): Look | undefined {
    return this.#looks.get(name);
  }

  /** What was observed of an environment last; null until that was. */
  status(project: string, environment: string): EnvironmentStatus | null {
    return this.look(project)?.environments?.find((one) => one.environment === environment) ?? null;
  }

  /** Calls when something happened in a project; null for any of them. Returns the way to stop. */
  onNews(listener: (name: string | null) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads the list, looks at every project again, and stays up to date. */
  async read(): Promise<void> {
    const { seq } = await this.#list();
    this.#seq = Math.max(this.#seq, seq);
    this.lookAtAll();
    await this.listen();
  }

  /** Hears of changes from now on, unless it does already. */
  async listen(): Promise<void> {
    if (this.#listening) return;
    this.#listening = true;
    const answer = await this.#backend.follow((change) => void this.#changed(change));
    this.#listening = answer.status === 'ok';
  }

  lookAtAll(): void {
    if (this.listing.state === 'read') this.listing.projects.forEach(({ name }) => this.#queue.add(name));
  }

  /** Lets a person choose a folder and adds it. */
  async choose(): Promise<void> {
    const choice = await this.#backend.chooseFolder();
    if (choice.status === 'error') this.#fail(words.notChosen, choice.error);
    else if (choice.data !== null) await this.add(choice.data);
  }

  async add(folder: string): Promise<void> {
    this.adding.add(folder);
    const answer = await this.#backend.addProject(folder);
    this.adding.delete(folder);
    if (answer.status === 'error') {
      this.#fail(words.notAdded(folder), answer.error);
      return;
    }
    this.mishap = null;
    this.said = words.added(answer.data);
    await this.#list();
    this.#queue.add(answer.data);
  }

  async forget(name: string): Promise<void> {
    const answer = await this.#backend.forgetProject(name);
    if (answer.status === 'error') {
      this.#fail(words.notForgotten(name), answer.error);
      return;
    }
    this.said = words.forgotten(name);
    await this.#list();
  }

  async open({ project, environment }: EnvironmentStatus): Promise<void> {
    const answer = await this.#backend.openEnvironment(project, environment);
    if (answer.status === 'error') this.#fail(words.notOpened(environment, project), answer.error);
  }

  dismiss(): void {
    this.mishap = null;
  }

  /** Returns the sequence number after which news begins, and the names that were not listed before. */
  async #list(): Promise<{ seq: number; fresh: string[] }> {
    const answer = await this.#backend.knownProjects();
    if (answer.status === 'error') {
      this.listing = { state: 'failed', problem: answer.error };
      return { seq: 0, fresh: [] };
    }
    const { projects, seq } = answer.data;
    const before = this.listing.state === 'read' ? this.listing.projects.map(({ name }) => name) : [];
    this.listing = { state: 'read', projects };
    const known = projects.map(({ name }) => name);
    for (const name of this.#looks.keys()) if (!known.includes(name)) this.#looks.delete(name);
    return { seq, fresh: known.filter((name) => !before.includes(name)) };
  }

  async #changed({ seq }: Change): Promise<void> {
    const before = this.#seq;
    const list = await this.#list();
    list.fresh.forEach((name) => this.#queue.add(name));
    this.#seq = Math.max(before, seq, list.seq);
    if (this.#seq === before) return;
    const answer = await this.#backend.eventsAfter(before);
    if (answer.status === 'error' || answer.data.length >= EVENTS_AT_ONCE) {
      this.lookAtAll();
      this.#tell(null);
      return;
    }
    // eslint-disable-next-line svelte/prefer-svelte-reactivity -- it is never changed
    const names = new Set(answer.data.map(({ project }) => project));
    for (const name of names) {
      this.#queue.add(name);
      this.#tell(name);
    }
  }

  async #look(name: string): Promise<void> {
    const answer = await this.#backend.projectStatus(name);
    // It may have been forgotten meanwhile.
    if (this.listing.state !== 'read' || !this.listing.projects.some((known) => known.name === name)) return;
    if (answer.status === 'ok') {
      this.#looks.set(name, { environments: answer.data, problem: null });
      return;
    }
    // What was seen last is worth showing, but not as if it were still so.
    const before = this.#looks.get(name)?.environments ?? null;
    const environments = before?.map((seen): EnvironmentStatus => ({ ...seen, health: 'unknown' })) ?? null;
    this.#looks.set(name, { environments, problem: answer.error });
  }

  #tell(name: string | null): void {
    for (const listener of this.#listeners) listener(name);
  }

  #fail(title: string, problem: Problem): void {
    this.mishap = { title, problem };
  }
}
