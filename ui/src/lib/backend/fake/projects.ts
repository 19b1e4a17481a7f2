/** The engine, the list of projects, what is observed of each, what their files say, and what happens to them. */
import type { Answer, Happened } from '../backend';
import type {
  Change,
  EngineInfo,
  EnvironmentStatus,
  Excerpt,
  Garbage,
  KnownProject,
  ProjectFacts,
  Sweep,
} from '../bindings';
import { anEngine, anEnvironment, someFacts } from '../makers';
import { Answering, SILENT, ok, type Scripted } from './answers';

export class FakeProjects extends Answering {
  engine: Scripted<EngineInfo> = ok(anEngine());
  garbage: Scripted<Garbage> = ok({ items: [], bytes: 0 });
  /** Set to refuse the list itself. */
  listing: Scripted<null> = ok(null);
  projects: KnownProject[] = [];
  statuses = new Map<string, Scripted<EnvironmentStatus[]>>();
  /** What the person chooses in the folder picker. */
  choice: string | null = null;
  /** What becomes of a folder that is added; without one it is a project by its last part. */
  adding: Answer<string> | undefined;
  /** What becomes of an app that is opened in the browser. */
  opening: Answer<null> = ok(null);
  events: Happened[] = [];
  /** What becomes of who wants to be told of changes. */
  telling: Answer<null> = ok(null);
  facts = new Map<string, Scripted<ProjectFacts>>();
  mending: Scripted<string[]> = ok([]);
  /** Whether a page before this one has a lock mended. */
  mends = false;
  onSave = new Set<string>();
  writing: Answer<string[]> = ok([]);
  source: Answer<Excerpt> = ok({ first: 1, lines: [] });
  editing: Answer<null> = ok(null);
  #onChange: ((change: Change) => void) | undefined;

  /** Adds a project with what is observed of it. */
  with(name: string, status: Scripted<EnvironmentStatus[]>, folder = `/home/ada/projects/${name}`): this {
    this.projects.push({ name, folder });
    this.statuses.set(name, status);
    return this;
  }

  /** Tells the page that something happened to a project, or that something changed that is no event. */
  tell(project?: string): void {
    if (project)
      this.events.push({ seq: this.#seq() + 1, at: new Date().toISOString(), project, run: 'run' });
    this.#onChange?.({ seq: this.#seq() });
  }

  engineInfo() {
    return this.answer('engineInfo', this.engine);
  }

  async gc(sweep: Sweep) {
    const answer = await this.answer(`gc ${sweep}`, this.garbage);
    if (sweep === 'remove' && answer.status === 'ok') this.garbage = ok({ items: [], bytes: 0 });
    return answer;
  }

  async knownProjects() {
    const listing = await this.answer('knownProjects', this.listing);
    if (listing.status === 'error') return listing;
    return ok({ seq: this.#seq(), projects: [...this.projects].sort(byName) });
  }

  projectStatus(project: string) {
    return this.answer(`projectStatus ${project}`, this.statuses.get(project) ?? SILENT);
  }

  chooseFolder() {
    return this.answer('chooseFolder', ok(this.choice));
  }

  async addProject(folder: string) {
    const name = folder.split('/').at(-1) ?? folder;
    const answer = await this.answer(`addProject ${folder}`, this.adding ?? ok(name));
    if (answer.status === 'ok' && !this.projects.some((known) => known.name === name)) {
      this.projects.push({ name, folder });
      if (!this.statuses.has(name))
        this.statuses.set(name, ok([anEnvironment({ project: name, health: 'empty' })]));
    }
    return answer;
  }

  forgetProject(project: string) {
    this.projects = this.projects.filter((known) => known.name !== project);
    return this.answer(`forgetProject ${project}`, ok(null));
  }

  openEnvironment(project: string, environment: string) {
    return this.answer(`openEnvironment ${project} ${environment}`, this.opening);
  }

  eventsAfter(seq: number) {
    return this.answer(`eventsAfter ${String(seq)}`, ok(this.events.filter((event) => event.seq > seq)));
  }

  follow(onChange: (change: Change) => void) {
    if (this.telling.status === 'ok') {
      this.#onChange = onChange;
      onChange({ seq: this.#seq() });
    }
    return this.answer('follow', this.telling);
  }

  projectFacts(project: string) {
    return this.answer(`projectFacts ${project}`, this.facts.get(project) ?? ok(someFacts(project)));
  }

  mendLock(project: string) {
    return this.answer(`mendLock ${project}`, this.mending);
  }

  isMending(project: string) {
    return this.answer(`isMending ${project}`, ok(this.mends));
  }

  checkOnSave(project: string, on: boolean) {
    if (on) this.onSave.add(project);
    else this.onSave.delete(project);
    return this.answer(`checkOnSave ${project} ${on ? 'on' : 'off'}`, ok(null));
  }

  checksOnSave(project: string) {
    return this.answer(`checksOnSave ${project}`, ok(this.onSave.has(project)));
  }

  writeConfiguration(project: string) {
    return this.answer(`writeConfiguration ${project}`, this.writing);
  }

  excerpt(project: string, file: string, line: number) {
    return this.answer(`excerpt ${project} ${file} ${String(line)}`, this.source);
  }

  openInEditor(project: string, file: string, line: number) {
    return this.answer(`openInEditor ${project} ${file} ${String(line)}`, this.editing);
  }

  #seq(): number {
    return this.events.at(-1)?.seq ?? 0;
  }
}

function byName(one: KnownProject, other: KnownProject): number {
  return one.name.localeCompare(other.name);
}
