/** The backend in memory: what it answers is plain data that a test or a scene puts there. */
import type { Answer, Backend, Drag, Happened } from './backend';
import type { Change, EngineInfo, EnvironmentStatus, KnownProject, Problem } from './bindings';

/** A question to which no answer comes, until another one is put in its place. */
export const SILENT = Symbol('silent');

type Scripted<T> = Answer<T> | typeof SILENT;

export class FakeBackend implements Backend {
  engine: Scripted<EngineInfo> = ok(anEngine());
  /** Set to refuse the list itself. */
  listing: Scripted<null> = ok(null);
  projects: KnownProject[] = [];
  statuses = new Map<string, Scripted<EnvironmentStatus[]>>();
  /** What the person chooses in the folder picker. */
  choice: string | null = null;
  /** What becomes of a folder that is added; without one it is a project by its last part. */
  adding: Answer<string> | undefined;
  opening: Answer<null> = ok(null);
  events: Happened[] = [];
  /** Every question, in order, as `projectStatus shop`. */
  readonly asked: string[] = [];

  #onChange: ((change: Change) => void) | undefined;
  #onDrag: ((drag: Drag) => void) | undefined;

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

  drag(drag: Drag): void {
    this.#onDrag?.(drag);
  }

  engineInfo() {
    return this.#answer('engineInfo', this.engine);
  }

  async knownProjects() {
    const listing = await this.#answer('knownProjects', this.listing);
    if (listing.status === 'error') return listing;
    return ok({ seq: this.#seq(), projects: [...this.projects].sort(byName) });
  }

  projectStatus(project: string) {
    return this.#answer(`projectStatus ${project}`, this.statuses.get(project) ?? SILENT);
  }

  chooseFolder() {
    return this.#answer('chooseFolder', ok(this.choice));
  }

  async addProject(folder: string) {
    const name = folder.split('/').at(-1) ?? folder;
    const answer = await this.#answer(`addProject ${folder}`, this.adding ?? ok(name));
    if (answer.status === 'ok' && !this.projects.some((known) => known.name === name)) {
      this.projects.push({ name, folder });
      if (!this.statuses.has(name))
        this.statuses.set(name, ok([anEnvironment({ project: name, health: 'empty' })]));
    }
    return answer;
  }

  forgetProject(project: string) {
    this.projects = this.projects.filter((known) => known.name !== project);
    return this.#answer(`forgetProject ${project}`, ok(null));
  }

  openEnvironment(project: string, environment: string) {
    return this.#answer(`openEnvironment ${project} ${environment}`, this.opening);
  }

  eventsAfter(seq: number) {
    return this.#answer(`eventsAfter ${String(seq)}`, ok(this.events.filter((event) => event.seq > seq)));
  }

  follow(onChange: (change: Change) => void) {
    this.#onChange = onChange;
    onChange({ seq: this.#seq() });
    return this.#answer('follow', ok(null));
  }

  onDrag(onDrag: (drag: Drag) => void): void {
    this.#onDrag = onDrag;
  }

  #seq(): number {
    return this.events.at(-1)?.seq ?? 0;
  }

  #answer<T>(question: string, scripted: Scripted<T>): Promise<Answer<T>> {
    this.asked.push(question);
    return scripted === SILENT ? new Promise(() => undefined) : Promise.resolve(scripted);
  }
}

export function ok<T>(data: T): { status: 'ok'; data: T } {
  return { status: 'ok', data };
}

export function failed(problem: Partial<Problem>): { status: 'error'; error: Problem } {
  const error = { code: 'failed', message: 'it failed', causes: [], hints: [], details: [], ...problem };
  return { status: 'error', error };
}

/** Makes an engine as the lab has it. */
export function anEngine(differs: Partial<EngineInfo> = {}): EngineInfo {
  return {
    host: 'unix:///var/run/docker.sock',
    origin: { rule: 'default_socket' },
    version: '28.5.2',
    api: '1.51',
    platform: 'linux/amd64',
    store: 'containerd',
    mirrors: [],
    memory: 16_724_000_000,
    cpus: 8,
    podman: false,
    ...differs,
  };
}

/** Makes an environment in which one instance serves. */
export function anEnvironment(differs: Partial<EnvironmentStatus> = {}): EnvironmentStatus {
  const project = differs.project ?? 'shop';
  const environment = differs.environment ?? 'local';
  const release = differs.serving === undefined ? '3f2a91c04be7' : differs.serving;
  const empty = differs.health === 'empty' || release === null;
  const host = environment === 'local' ? `${project}.localhost` : `${environment}.${project}.localhost`;
  return {
    project,
    environment,
    health: 'healthy',
    serving: empty ? null : release,
    since: empty ? null : '2026-11-23T08:00:00.000Z',
    url: `http://${host}:8080`,
    instances: empty || release === null ? [] : [anInstance({ release })],
    services: [],
    rollout: null,
    unreachable: null,
    ...differs,
  };
}

type Instance = EnvironmentStatus['instances'][number];

/** Makes an instance that runs and serves. */
export function anInstance(differs: Partial<Instance> = {}): Instance {
  return {
    id: 'c0ffee',
    name: 'shop-local-web-3f2a91',
    process: 'web',
    release: '3f2a91c04be7',
    rollout: '019ab0',
    address: '10.66.0.10',
    state: { state: 'running' },
    restarts: 0,
    started_at: '2026-11-23T08:00:00.000Z',
    serving: true,
    ...differs,
  };
}

function byName(one: KnownProject, other: KnownProject): number {
  return one.name.localeCompare(other.name);
}
